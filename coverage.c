/*
 * SPDX-License-Identifier: MIT
 *
 * The program: options, the walk over channels, qualities and hours, the
 * accounting of holes and overlaps, output files, exit status.
 *
 * Layout: messages, options, accounting, the walk, output files, peers and
 * known losses, main.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "segparse.h"

#include ".build/help.txt.h" /* made from man/help.txt */

#define EXIT_FOUND     1 /* --check found something */
#define JOBS_MAX       256
#define NAMES_SAID     10 /* directories that an error line names */
#define PROGRESS_AFTER SECOND /* us before progress is shown */
#define PROGRESS_EVERY (SECOND / 5)
#define MEMORY_KEPT    (4 << 20) /* bytes */
#define TIME_FIRST     (INT64_C(-62135596800) * SECOND) /* of the year 1 */
#define OPTION_SECONDS (INT64_C(315360000) * SECOND) /* ten years */
#define FILE_MAX       (64 << 20) /* bytes of a peer's report */

struct timeline {
	struct report *report;
	const struct options *opt;
	int64_t raw_end; /* furthest end; TIME_NONE before the first */
	int64_t editable_end;
	int64_t last_hour; /* the last with a best segment, or TIME_NONE */
};

/*
 * The hours of a quality, and where the window lies in them.
 */
struct walk {
	int dirfd;
	const char *dir; /* its path, for messages */
	int64_t *times; /* owned; of all hour directories, in order */
	size_t n;
	struct reading *tail; /* owned; readings of the hours from tail_first */
	size_t tail_first;
};

struct bytes {
	char *v;
	size_t n;
	size_t cap;
};

struct run {
	const struct options *opt;
	struct survey survey;
	struct pool *pool; /* owned */
	struct listing *listing; /* owned; main's own */
	size_t errorcap;
	int base; /* file descriptor, -1: it could not be opened */
	struct names base_dirs; /* directories in the base directory */
	struct names base_rest; /* other names there */
	struct names targets; /* device and inode of directory, and name, of
				 each output, so that no other replaces it */
	size_t maps; /* written */
	const struct report *map; /* the last one's quality */
	bool map_denied; /* the report has a note on it */
	int64_t started; /* us of the monotonic clock */
	int64_t progress_at; /* likewise; when it is next shown */
	bool progress; /* stderr is a terminal */
	bool progress_shown;
	size_t segments; /* names seen, for the progress line */
};

static int64_t
clock_read(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec / 1000;
}

/*
 * Messages
 */

static void
progress_wipe(struct run *run)
{
	if (run->progress_shown)
		fputs("\r\033[K", stderr);
	run->progress_shown = false;
}

/*
 * Shows a line that the next message or line wipes. It must not wrap.
 */
static void
progress_put(struct run *run, const char *line)
{
	fprintf(stderr, "\r\033[K\033[?7l%s\033[?7h", line);
	run->progress_shown = true;
}

/*
 * Shows how far the run has come, every PROGRESS_EVERY after a first second.
 */
static void
progress_show(
    struct run *run, const struct report *report, size_t hours, size_t of)
{
	int64_t now;
	char *line, *printable;

	if (!run->progress ||
	    (now = clock_read(CLOCK_MONOTONIC)) < run->progress_at)
		return;
	run->progress_at = now + PROGRESS_EVERY;
	line = compose("%s/%s: %zu of %zu hours, %zu segments", report->channel,
	    report->quality, hours, of, run->segments);
	printable = name_printable(line, false);
	progress_put(run, printable);
	free(printable);
	free(line);
}

/*
 * Prints a line to stderr. Escapes what a terminal would act on.
 */
static void
say(struct run *run, const char *subject, const char *message)
{
	char *printable_message, *printable_subject;

	progress_wipe(run);
	printable_subject = name_printable(subject, run->opt->utf8);
	printable_message = name_printable(message, run->opt->utf8);
	fprintf(stderr, "%s: %s: %s\n", PROGRAM, printable_subject,
	    printable_message);
	free(printable_message);
	free(printable_subject);
}

/*
 * Prints what went wrong with path, and keeps it for the reports and the exit
 * status.
 */
static void __attribute__((format(printf, 3, 4)))
trouble(struct run *run, const char *path, const char *fmt, ...)
{
	struct survey *survey = &run->survey;
	struct trouble *error;
	va_list ap;

	survey->errors = need(array_room(survey->errors, &run->errorcap,
	    survey->errorsz, sizeof(*survey->errors)));
	error = &survey->errors[survey->errorsz++];
	error->path = need(strdup(path));
	va_start(ap, fmt);
	error->message = vcompose(fmt, ap);
	va_end(ap);
	say(run, path, error->message);
}

/*
 * Prints that path could not be read: the report is not complete.
 */
static void
unread(struct run *run, const char *path, int error)
{
	trouble(run, path, "%s", strerror(error));
	run->survey.complete = false;
}

/*
 * Options
 */

static void __attribute__((noreturn, format(printf, 1, 2)))
usage(const char *fmt, ...)
{
	va_list ap;
	char *message, *printable;

	va_start(ap, fmt);
	message = vcompose(fmt, ap);
	va_end(ap);
	printable = name_printable(message, false);
	fprintf(stderr, "%s: %s\n", PROGRAM, printable);
	free(printable);
	free(message);
	exit(EXIT_TROUBLE);
}

enum {
	OPTION_FIRST_HOUR = 256,
	OPTION_LAST_HOUR,
	OPTION_EXPECT,
	OPTION_COLOR,
	OPTION_METRICS_HOURS,
	OPTION_OUTPUT_DIR,
	OPTION_MAKE_PAGE,
	OPTION_CONNECTION_STRING,
	OPTION_NODE,
	OPTION_PEER,
	OPTION_NAME,
	OPTION_KNOWN,
	OPTION_SETTLE,
	OPTION_BACKFILL,
	OPTION_MIN_HOLE,
	OPTION_MAX_AGE,
	OPTION_NOW,
	OPTION_RUN_ONCE,
	OPTION_REPLACED
};

static const char version[] = PROGRAM " " VERSION "\n";
static const char short_options[] = ":b:q:t:sf:ar:m:ncj:vhV";

static const struct option long_options[] = {
    {"base-dir", required_argument, NULL, 'b'},
    {"qualities", required_argument, NULL, 'q'},
    {"first-hour", required_argument, NULL, OPTION_FIRST_HOUR},
    {"last-hour", required_argument, NULL, OPTION_LAST_HOUR},
    {"expect", required_argument, NULL, OPTION_EXPECT},
    {"tolerance", required_argument, NULL, 't'},
    {"sizes", no_argument, NULL, 's'},
    {"format", required_argument, NULL, 'f'},
    {"all-hours", no_argument, NULL, 'a'},
    {"color", required_argument, NULL, OPTION_COLOR},
    {"report", required_argument, NULL, 'r'},
    {"metrics", required_argument, NULL, 'm'},
    {"metrics-hours", required_argument, NULL, OPTION_METRICS_HOURS},
    {"output-dir", required_argument, NULL, OPTION_OUTPUT_DIR},
    {"no-map", no_argument, NULL, 'n'},
    {"make-page", no_argument, NULL, OPTION_MAKE_PAGE},
    {"connection-string", required_argument, NULL, OPTION_CONNECTION_STRING},
    {"node", required_argument, NULL, OPTION_NODE},
    {"peer", required_argument, NULL, OPTION_PEER},
    {"name", required_argument, NULL, OPTION_NAME},
    {"known", required_argument, NULL, OPTION_KNOWN},
    {"check", no_argument, NULL, 'c'},
    {"settle", required_argument, NULL, OPTION_SETTLE},
    {"backfill", required_argument, NULL, OPTION_BACKFILL},
    {"min-hole", required_argument, NULL, OPTION_MIN_HOLE},
    {"max-age", required_argument, NULL, OPTION_MAX_AGE},
    {"jobs", required_argument, NULL, 'j'},
    {"now", required_argument, NULL, OPTION_NOW},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    /* of the Python service that this program replaces */
    {"run-once", no_argument, NULL, OPTION_RUN_ONCE},
    {"metrics-port", required_argument, NULL, OPTION_REPLACED},
    {"check-interval", required_argument, NULL, OPTION_REPLACED},
    {"backdoor-port", required_argument, NULL, OPTION_REPLACED},
    {NULL, 0, NULL, 0},
};

/*
 * Values that can only be judged once all options are known.
 */
struct later {
	const char *first_hour;
	const char *last_hour;
	const char *check_option; /* one that needs --check */
	bool format; /* --format was given */
	bool output_dir; /* --output-dir was given */
	const char *color; /* NULL: auto */
};

/*
 * Reads seconds, or a number and one of the units s, m, h and d.
 */
static int64_t
seconds_option(const char *option, const char *value, int64_t max)
{
	static const char names[] = "smhd";
	static const int64_t units[] = {1, 60, 3600, 86400};
	size_t len = strlen(value);
	const char *name = len == 0 ? NULL : strchr(names, value[len - 1]);
	int64_t unit = name == NULL ? 1 : units[name - names], us;

	len -= name != NULL;
	if (seconds_parse(value, len, max / unit, &us) != 0)
		usage("%s '%s': give seconds from 0 to %lld, such as 0.01, 60 "
		      "or 5m",
		    option, value, (long long)(max / SECOND));
	return us * unit;
}

static size_t
number_option(const char *option, const char *value, size_t min, size_t max)
{
	size_t i, n = 0;

	for (i = 0; value[i] >= '0' && value[i] <= '9' && n <= max; i++)
		n = n * 10 + (size_t)(value[i] - '0');
	if (i == 0 || value[i] != '\0' || n < min || n > max)
		usage("%s '%s': give a whole number from %zu to %zu", option,
		    value, min, max);
	return n;
}

static enum format
format_option(const char *value)
{
	static const char *const names[] = {[FORMAT_TEXT] = "text",
	    [FORMAT_JSON] = "json",
	    [FORMAT_HOLES] = "holes",
	    [FORMAT_NONE] = "none"};
	size_t i;

	for (i = 0; i < LENGTH(names); i++)
		if (strcmp(value, names[i]) == 0)
			return (enum format)i;
	usage("--format '%s': give text, json, holes or none", value);
}

static const char *
color_option(const char *value)
{
	if (strcmp(value, "always") != 0 && strcmp(value, "never") != 0 &&
	    strcmp(value, "auto") != 0)
		usage("--color '%s': give always, never or auto", value);
	return value;
}

static const char *
path_option(const char *option, const char *value, const char *what)
{
	if (*value == '\0')
		usage("%s '': give the name of a %s", option, what);
	return value;
}

static const char *
file_option(const char *option, const char *value)
{
	(void)path_option(option, value, "file");
	if (value[strlen(value) - 1] == '/')
		usage("%s '%s': give the name of a file, without '/' at the "
		      "end",
		    option, value);
	return value;
}

static int64_t
time_option(const char *option, const char *value)
{
	int64_t t;
	bool date_only;

	if (time_parse(value, &t, &date_only) != 0)
		usage("%s '%s': give a date and time in UTC, such as "
		      "2025-11-15T02:45:00",
		    option, value);
	return t;
}

/*
 * Reads `-6h` or `-2d`, with at most five digits. Returns -1 for anything
 * else.
 */
static int
before_parse(const char *value, int64_t now, int64_t *t)
{
	int64_t n = 0;
	const char *s = value;

	if (*s++ != '-')
		return -1;
	for (; *s >= '0' && *s <= '9' && s - value < 6; s++)
		n = n * 10 + (*s - '0');
	if (s == value + 1 || (strcmp(s, "h") != 0 && strcmp(s, "d") != 0))
		return -1;
	*t = now - n * (*s == 'd' ? 24 : 1) * HOUR;
	return *t < TIME_FIRST ? -1 : 0;
}

/*
 * Returns the start of the hour that value names. A bare date is its first
 * hour, or its last.
 */
static int64_t
hour_option(const char *option, const char *value, int64_t now, bool last)
{
	int64_t rest, t;
	bool date_only = false;

	if (strcmp(value, "now") == 0)
		t = now;
	else if (before_parse(value, now, &t) != 0 &&
	    time_parse(value, &t, &date_only) != 0)
		usage("%s '%s': give an hour in UTC such as 2025-11-15T02, a "
		      "date, now, or -6h or -2d before now",
		    option, value);
	if (date_only && last)
		t += 23 * HOUR;
	rest = t % HOUR;
	return t - (rest < 0 ? rest + HOUR : rest);
}

/*
 * Adds a node of --node. A password in its URL is not hidden: the page
 * publishes it anyway.
 */
static void
node_option(struct options *opt, const char *value)
{
	const char *equals = strchr(value, '='), *fault;
	struct node *node;
	size_t i;

	if (equals == NULL)
		usage("--node '%s': give NAME=URL", value);
	opt->nodes = need(
	    reallocarray(opt->nodes, opt->nodesz + 1, sizeof(*opt->nodes)));
	node = &opt->nodes[opt->nodesz];
	node->name = need(strndup(value, (size_t)(equals - value)));
	node->url = need(strdup(equals + 1));
	node->fault = NULL;
	if ((fault = node_fault(node)) != NULL)
		usage("--node '%s': %s; give NAME=URL, such as "
		      "here=https://node.example.org",
		    value, fault);
	for (i = 0; i < opt->nodesz; i++)
		if (strcmp(opt->nodes[i].name, node->name) == 0)
			usage("--node '%s' is given twice: give it once",
			    node->name);
	opt->nodesz++;
}

/*
 * Adds a file of --peer. The name is cut from argv in place.
 */
static void
peer_option(struct options *opt, char *value)
{
	char *equals = strchr(value, '=');
	struct peer *peer;

	if (equals == NULL || equals == value || equals[1] == '\0')
		usage("--peer '%s': give NAME=FILE", value);
	*equals = '\0';
	if (utf8_length(value) > 255)
		usage("--peer '%s': give a name of at most 255 characters",
		    value);
	opt->peers = need(
	    reallocarray(opt->peers, opt->peersz + 1, sizeof(*opt->peers)));
	peer = &opt->peers[opt->peersz++];
	memset(peer, 0, sizeof(*peer));
	peer->name = value;
	peer->file = equals + 1;
}

/*
 * Copies the connection string and wipes it from the process list, which
 * every user of the machine can read.
 */
static void
connection_option(struct options *opt, char *value)
{
	free(opt->dsn);
	opt->dsn = need(strdup(value));
	memset(value, 'x', strlen(value));
}

static void
qualities_option(struct options *opt, const char *value)
{
	const char *end, *s = value;
	size_t len;

	for (;; s = end + 1) {
		end = strchrnul(s, ',');
		for (; *s == ' '; s++)
			;
		for (len = (size_t)(end - s); len > 0 && s[len - 1] == ' ';)
			len--;
		if (len == 0)
			usage("--qualities '%s': an empty name; give names "
			      "with single commas between them",
			    value);
		names_add(&opt->qualities, need(strndup(s, len)));
		if (*end == '\0')
			break;
	}
}

/*
 * Rejects names that are not a single path component, and duplicates.
 */
static void
names_check(const char *what, char **names, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		if (names[i][0] == '\0' || names[i][0] == '.' ||
		    strchr(names[i], '/') != NULL)
			usage("%s '%s': give the name of a directory, without "
			      "'/', that does not start with '.'",
			    what, names[i]);
		for (j = 0; j < i; j++)
			if (strcmp(names[i], names[j]) == 0)
				usage("%s '%s' is given twice: give it once",
				    what, names[i]);
	}
}

/*
 * The shell's completion adds a slash to a directory's name.
 */
static void
slashes_strip(char *name)
{
	size_t len = strlen(name);

	while (len > 1 && name[len - 1] == '/')
		name[--len] = '\0';
}

static void
window_check(struct options *opt, const struct later *later)
{
	if (later->first_hour != NULL)
		opt->window.start = hour_option(
		    "--first-hour", later->first_hour, opt->now, false);
	if (later->last_hour != NULL)
		opt->window.end = hour_option("--last-hour", later->last_hour,
				      opt->now, true) +
		    HOUR;
	if (opt->window.start >= opt->window.end)
		usage("--first-hour '%s' is after --last-hour '%s': give the "
		      "earlier one first",
		    later->first_hour, later->last_hour);
}

static void
options_check(struct options *opt, const struct later *later)
{
	const char *ending;
	size_t i;

	window_check(opt, later);
	if (opt->make_page &&
	    (opt->output_dir[0] == '/' || strstr(opt->output_dir, "..")))
		usage("--output-dir '%s' with --make-page: give a directory "
		      "below the base directory, as the nodes serve it",
		    opt->output_dir);
	for (i = 0; i < opt->channelsz; i++)
		slashes_strip(opt->channels[i]);
	names_check("channel", opt->channels, opt->channelsz);
	names_check("--qualities", opt->qualities.v, opt->qualities.n);
	for (i = 0; i < opt->peersz; i++)
		if (strcmp(opt->peers[i].name, opt->name) == 0 ||
		    strcmp(opt->peers[i].name, "here") == 0)
			usage("--peer '%s' is the name of this node: give "
			      "another",
			    opt->peers[i].name);
	if (!opt->check && later->check_option != NULL)
		usage("%s goes with --check: add it", later->check_option);
	if (opt->report != NULL && opt->format == FORMAT_NONE)
		usage("--report '%s' with --format none: give text, json or "
		      "holes",
		    opt->report);
	if (opt->report != NULL && opt->format == FORMAT_TEXT &&
	    (ending = strrchr(opt->report, '.')) != NULL &&
	    strcmp(ending, ".json") == 0)
		fprintf(stderr,
		    PROGRAM ": --report '%s': this will be text; "
			    "add -f json\n",
		    opt->report);
	if (opt->format == FORMAT_NONE && !opt->make_map && !opt->make_page &&
	    !opt->check && opt->metrics == NULL)
		usage("nothing to write: add --report, --metrics or --check");
	if (opt->channelsz == 0 && opt->peersz == 0)
		usage("no channel given: give the name of a directory in '%s'; "
		      "see --help",
		    opt->base_dir);
}

/*
 * By default colour is for terminals whose owner has not declined it.
 */
static bool
colour_wanted(const struct options *opt, const char *when)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (when != NULL && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	return opt->report == NULL && isatty(STDOUT_FILENO) &&
	    (no == NULL || *no == '\0') && term != NULL && *term != '\0' &&
	    strcmp(term, "dumb") != 0;
}

static void
options_default(struct options *opt)
{
	memset(opt, 0, sizeof(*opt));
	opt->base_dir = ".";
	opt->output_dir = "coverage-maps";
	opt->name = "here";
	opt->format = FORMAT_TEXT;
	opt->now = clock_read(CLOCK_REALTIME);
	opt->window.start = INT64_MIN;
	opt->window.end = INT64_MAX;
	opt->expect = TIME_NONE;
	opt->tolerance = SECOND / 100;
	opt->settle = MINUTE;
	opt->backfill = 15 * MINUTE;
	opt->max_age = -1;
	opt->metrics_hours = 168;
	opt->jobs = 16;
	opt->make_map = true;
	opt->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void __attribute__((noreturn)) answer(const void *text, size_t size)
{
	if (fwrite(text, 1, size, stdout) < size || fclose(stdout) != 0)
		err(EXIT_TROUBLE, "stdout");
	exit(EXIT_SUCCESS);
}

/*
 * Says what is wrong with an option that getopt_long() rejects. What follows
 * '=' may be a password, and stays out of the message. argv[optind - 1] is
 * not the option if that is in a cluster such as -Zn.
 */
static void __attribute__((noreturn)) option_unknown(int c, char *argv[])
{
	const char *given = argv[optind - 1];
	int len = (int)strcspn(given, "=");

	if (c == ':' && strncmp(given, "--", 2) != 0)
		usage("-%c needs a value: see --help", optopt);
	if (c == ':')
		usage("%s needs a value: see --help", given);
	if (optopt > 0 && optopt < 256 && strchr(short_options, optopt) == NULL)
		usage("unknown option '-%c': see --help", optopt);
	if (optopt != 0)
		usage("%.*s takes no value: see --help", len, given);
	usage("unknown or ambiguous option '%.*s': see --help", len, given);
}

static void
option_take(struct options *opt, struct later *later, int c, char *argv[])
{
	switch (c) {
	case 'b':
		opt->base_dir = path_option("--base-dir", optarg, "directory");
		break;
	case 'q':
		qualities_option(opt, optarg);
		break;
	case OPTION_FIRST_HOUR:
		later->first_hour = optarg;
		break;
	case OPTION_LAST_HOUR:
		later->last_hour = optarg;
		break;
	case OPTION_EXPECT:
		opt->expect = time_option("--expect", optarg);
		break;
	case 't':
		opt->tolerance =
		    seconds_option("--tolerance", optarg, DURATION_MAX);
		break;
	case 's':
		opt->sizes = true;
		break;
	case 'f':
		opt->format = format_option(optarg);
		later->format = true;
		break;
	case 'a':
		opt->all_hours = true;
		break;
	case OPTION_COLOR:
		later->color = color_option(optarg);
		break;
	case 'r':
		opt->report = file_option("--report", optarg);
		break;
	case 'm':
		opt->metrics = file_option("--metrics", optarg);
		break;
	case OPTION_METRICS_HOURS:
		opt->metrics_hours =
		    number_option("--metrics-hours", optarg, 0, 100000000);
		break;
	case OPTION_OUTPUT_DIR:
		opt->output_dir =
		    path_option("--output-dir", optarg, "directory");
		later->output_dir = true;
		break;
	case 'n':
		opt->make_map = false;
		break;
	case OPTION_MAKE_PAGE:
		opt->make_page = true;
		break;
	case OPTION_CONNECTION_STRING:
		connection_option(opt, optarg);
		break;
	case OPTION_NODE:
		node_option(opt, optarg);
		break;
	case OPTION_PEER:
		peer_option(opt, optarg);
		break;
	case OPTION_NAME:
		opt->name = path_option("--name", optarg, "node");
		break;
	case OPTION_KNOWN:
		opt->known_file = path_option("--known", optarg, "file");
		break;
	case 'c':
		opt->check = true;
		break;
	case OPTION_SETTLE:
		opt->settle =
		    seconds_option("--settle", optarg, OPTION_SECONDS);
		break;
	case OPTION_BACKFILL:
		later->check_option = "--backfill";
		opt->backfill =
		    seconds_option("--backfill", optarg, OPTION_SECONDS);
		break;
	case OPTION_MIN_HOLE:
		later->check_option = "--min-hole";
		opt->min_hole =
		    seconds_option("--min-hole", optarg, OPTION_SECONDS);
		break;
	case OPTION_MAX_AGE:
		later->check_option = "--max-age";
		opt->max_age =
		    seconds_option("--max-age", optarg, OPTION_SECONDS);
		break;
	case 'j':
		opt->jobs =
		    (unsigned)number_option("--jobs", optarg, 1, JOBS_MAX);
		break;
	case OPTION_NOW:
		opt->now = time_option("--now", optarg);
		break;
	case 'v':
		opt->verbose = true;
		break;
	case 'h':
		answer(help_txt, sizeof(help_txt) - 1);
	case 'V':
		answer(version, sizeof(version) - 1);
	case OPTION_RUN_ONCE:
		break;
	case OPTION_REPLACED:
		usage("this program runs once and serves nothing: use cron or "
		      "a systemd timer for --check-interval, --metrics FILE "
		      "for --metrics-port, and nothing for --backdoor-port");
	default:
		option_unknown(c, argv);
	}
}

static void
options_parse(struct options *opt, int argc, char *argv[])
{
	struct later later = {.first_hour = NULL};
	int c;

	options_default(opt);
	opterr = 0;
	while ((c = getopt_long(
		    argc, argv, short_options, long_options, NULL)) != -1)
		option_take(opt, &later, c, argv);
	if (opt->qualities.n == 0)
		qualities_option(opt, "source");
	opt->channels = argv + optind;
	opt->channelsz = (size_t)(argc - optind);
	options_check(opt, &later);
	opt->map_asked = later.output_dir || opt->make_page;
	if (opt->check)
		opt->make_map = opt->make_page = false;
	if (opt->check && !later.format) {
		opt->summary = true;
		if (opt->report == NULL)
			opt->format = FORMAT_NONE;
	}
	opt->colour = colour_wanted(opt, later.color);
}

static void
options_free(struct options *opt)
{
	names_free(&opt->qualities);
	nodes_free(opt->nodes, opt->nodesz);
	peers_free(opt->peers, opt->peersz);
	free(opt->dsn);
}

/*
 * Accounting: one timeline through all hours of a quality
 */

static void
hole_add(
    struct timeline *tl, struct coverage *coverage, int64_t start, int64_t end)
{
	struct span hole = {start, end};

	if (!span_cut(&hole, tl->opt->window.start, tl->opt->window.end))
		return;
	spans_add(&coverage->holes, hole.start, hole.end);
	coverage->hole_duration += hole.end - hole.start;
}

/*
 * Adds holes if the next segment starts here.
 */
static void
holes_find(struct timeline *tl, int64_t start)
{
	struct report *report = tl->report;
	int64_t tolerance = tl->opt->tolerance;

	if (start > tl->raw_end + tolerance)
		hole_add(tl, &report->raw, tl->raw_end, start);
	if (start > tl->editable_end + tolerance)
		hole_add(tl, &report->editable, tl->editable_end, start);
}

/*
 * Records an hour that has segments, the first at `start`, or that is
 * unreadable. The hours skipped since the last such hour are missing. The
 * timeline begins with its first hour, or when it was expected to.
 */
static void
hour_begin(struct timeline *tl, int64_t time, int64_t start)
{
	const struct options *opt = tl->opt;
	struct span missing = {tl->last_hour + HOUR, time};

	if (tl->last_hour != TIME_NONE) {
		if (span_cut(&missing, opt->window.start, opt->window.end))
			spans_add(
			    &tl->report->missing, missing.start, missing.end);
	} else if (opt->expect != TIME_NONE && opt->expect < start &&
	    opt->expect >= opt->window.start)
		tl->raw_end = tl->editable_end = opt->expect;
	else
		tl->raw_end = tl->editable_end = start;
	tl->last_hour = time;
}

/*
 * Accounts for one best segment. It is editable if it starts no earlier than
 * the editable end; unlike in the Python, segments that are not editable
 * themselves do not matter.
 */
static void
segment_account(struct timeline *tl, struct hour *hour, int64_t start,
    int64_t end, enum segment_type type)
{
	bool editable = start >= tl->editable_end - tl->opt->tolerance;
	struct tally *overlaps = &hour->counts.overlaps[type];
	int64_t covered;

	if (start < tl->raw_end - tl->opt->tolerance) {
		overlaps->count++;
		overlaps->duration +=
		    (end < tl->raw_end ? end : tl->raw_end) - start;
	}
	holes_find(tl, start);
	covered = end - (start > tl->raw_end ? start : tl->raw_end);
	if (covered > 0)
		hour->raw.covered += covered;
	if (end > tl->raw_end)
		tl->raw_end = end;
	if (editable) {
		hour->editable.covered += end - start;
		if (end > tl->editable_end)
			tl->editable_end = end;
	}
	if (type != SEGMENT_FULL && end > start)
		spans_cover(&tl->report->incomplete, start, end);
}

static void
span_extend(struct span *span, int64_t start, int64_t end)
{
	if (span->start == TIME_NONE)
		span->start = start;
	if (span->end < end)
		span->end = end;
}

/*
 * Accounts for an unreadable hour: like one segment as long as the hour, so
 * that its time is no hole, but without coverage.
 */
static void
unreadable_account(struct timeline *tl, int64_t time)
{
	struct report *report = tl->report;
	struct span hour = {time, time + HOUR};

	hour_begin(tl, time, time);
	holes_find(tl, time);
	if (tl->raw_end < hour.end)
		tl->raw_end = hour.end;
	if (tl->editable_end < hour.end)
		tl->editable_end = hour.end;
	span_extend(&report->extent, hour.start, hour.end);
	if (span_cut(&hour, tl->opt->window.start, tl->opt->window.end))
		spans_cover(&report->unreadable, hour.start, hour.end);
}

static void
hour_account(struct timeline *tl, struct reading *r)
{
	struct hour *hour = &r->hour;
	struct report *report = tl->report;
	const struct segment *seg;
	int64_t start;
	size_t i;

	if (!hour->readable) {
		unreadable_account(tl, hour->time);
		return;
	}
	if (r->bestsz == 0)
		return;
	hour_begin(tl, hour->time, hour->start);
	for (i = 0; i < r->bestsz; i++) {
		seg = &r->best[i];
		start = hour->time + seg->offset;
		segment_account(
		    tl, hour, start, start + seg->duration, seg->type);
	}
	span_extend(&report->stream, hour->start, hour->end);
	span_extend(&report->extent, hour->start, hour->end);
}

static void
tally_sum(struct tally *sum, const struct tally *tally)
{
	sum->count += tally->count;
	sum->duration += tally->duration;
}

static void
counts_sum(struct counts *sum, const struct counts *counts)
{
	int i;

	for (i = 0; i < SEGMENT_TYPES; i++) {
		tally_sum(&sum->segments[i], &counts->segments[i]);
		tally_sum(&sum->overlaps[i], &counts->overlaps[i]);
	}
	tally_sum(&sum->incomplete, &counts->incomplete);
	sum->temp += counts->temp;
	sum->bad += counts->bad;
	sum->tombstoned += counts->tombstoned;
	sum->ahead += counts->ahead;
	sum->empty += counts->empty;
}

/*
 * Adds an hour of the window to the sums of its quality.
 */
static void
report_add(struct report *report, const struct hour *hour)
{
	counts_sum(&report->counts, &hour->counts);
	report->raw.covered += hour->raw.covered;
	report->editable.covered += hour->editable.covered;
	if (report->start == TIME_NONE)
		report->start = hour->start;
	if (hour->end > report->end)
		report->end = hour->end;
	report->hours[report->hoursz++] = *hour;
}

/*
 * Finds the hour's share in the holes, of which none before index `first`
 * reaches into it. Returns the index of its own first hole.
 */
static size_t
share_find(
    struct share *share, const struct spans *holes, int64_t time, size_t first)
{
	struct span part;
	size_t i;

	while (first < holes->n && holes->v[first].end <= time)
		first++;
	share->first = first;
	for (i = first; i < holes->n; i++) {
		part = holes->v[i];
		if (!span_cut(&part, time, time + HOUR))
			break;
		share->holesz++;
		share->hole_duration += part.end - part.start;
	}
	return first;
}

static void
shares_find(struct report *report)
{
	struct hour *hour;
	size_t editable = 0, i, raw = 0;

	for (i = 0; i < report->hoursz; i++) {
		hour = &report->hours[i];
		raw =
		    share_find(&hour->raw, &report->raw.holes, hour->time, raw);
		editable = share_find(&hour->editable, &report->editable.holes,
		    hour->time, editable);
	}
}

/*
 * The walk: channels, qualities and their hours
 */

/*
 * With -v, reports an entry that is not an hour directory.
 */
static void
stray_say(struct run *run, const char *dir, const char *name)
{
	char *path;

	if (!run->opt->verbose || name[0] == '.')
		return;
	path = compose("%s/%s", dir, name);
	say(run, path, "stray: not an hour directory");
	free(path);
}

/*
 * Lists the hours of a quality in order. Returns -1 with errno.
 */
static int
hours_list(struct run *run, struct walk *walk)
{
	struct names dirs = {.n = 0}, strays = {.n = 0};
	size_t i;
	int ret = directory_list(walk->dirfd, &dirs, &strays);

	walk->times = need(calloc(dirs.n + 1, sizeof(*walk->times)));
	for (i = 0; ret == 0 && i < dirs.n; i++)
		if (hour_parse(dirs.v[i], &walk->times[walk->n]) == 0)
			walk->n++;
		else
			stray_say(run, walk->dir, dirs.v[i]);
	for (i = 0; ret == 0 && i < strays.n; i++)
		stray_say(run, walk->dir, strays.v[i]);
	names_free(&dirs);
	names_free(&strays);
	return ret;
}

/*
 * Returns false if the hour vanished after it was listed, or is not a
 * directory. A link that leads nowhere exists: its disk may be away.
 */
static bool
reading_exists(struct run *run, const struct walk *walk, struct reading *r)
{
	char name[TIME_SIZE];
	struct stat st;

	if (r->error != ENOENT && r->error != ENOTDIR)
		return true;
	hour_format(name, r->hour.time);
	if (r->error == ENOENT)
		return fstatat(walk->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) ==
		    0;
	stray_say(run, walk->dir, name);
	return false;
}

/*
 * Reports an hour that could not be read, or a file in it.
 */
static void
reading_say(struct run *run, const struct walk *walk, struct reading *r)
{
	char *path, time[TIME_SIZE];

	if (r->error == ENOMEM)
		(void)need(NULL);
	hour_format(time, r->hour.time);
	if (r->error != 0) {
		path = compose("%s/%s", walk->dir, time);
		unread(run, path, r->error);
		free(path);
	} else if (r->failed_errno != 0) {
		path = compose(
		    "%s/%s/%s", walk->dir, time, (const char *)need(r->failed));
		unread(run, path, r->failed_errno);
		free(path);
	}
	free(r->failed);
	r->failed = NULL;
}

static void
bad_names_say(struct run *run, const struct walk *walk, const struct hour *hour)
{
	char *message, *path, time[TIME_SIZE];
	size_t i;

	hour_format(time, hour->time);
	for (i = 0; i < hour->bad_namesz; i++) {
		path = compose("%s/%s/%s", walk->dir, time, hour->bad_names[i]);
		say(run, path,
		    "bad: not a segment's name, not a regular file, or empty");
		free(path);
	}
	if (hour->bad_namesz == hour->counts.bad)
		return;
	path = compose("%s/%s", walk->dir, time);
	message = compose("%zu more bad names, which are not listed",
	    hour->counts.bad - hour->bad_namesz);
	say(run, path, message);
	free(message);
	free(path);
}

static void
bad_names_free(struct hour *hour)
{
	while (hour->bad_namesz > 0)
		free(hour->bad_names[--hour->bad_namesz]);
	free(hour->bad_names);
	hour->bad_names = NULL;
}

/*
 * Accounts for an hour of the window.
 */
static void
hour_take(struct run *run, const struct walk *walk, struct timeline *tl,
    struct reading *r)
{
	if (!reading_exists(run, walk, r)) {
		bad_names_free(&r->hour);
		return;
	}
	reading_say(run, walk, r);
	if (run->opt->verbose)
		bad_names_say(run, walk, &r->hour);
	if (run->opt->format != FORMAT_JSON)
		bad_names_free(&r->hour);
	hour_account(tl, r);
	report_add(tl->report, &r->hour);
	run->segments += r->bestsz;
	r->hour.bad_names = NULL; /* the report's now */
	r->hour.bad_namesz = 0;
}

/*
 * Reads from the newest hour back to the first one with segments. While a
 * stream is live the newest hour must be read before the one preceding it;
 * otherwise a segment finished in between shows up as a hole.
 */
static void
tail_read(struct run *run, struct walk *walk)
{
	struct reading *r;
	size_t cap = 0, n = 0;

	do {
		walk->tail =
		    need(array_room(walk->tail, &cap, n, sizeof(*walk->tail)));
		r = memset(&walk->tail[n++], 0, sizeof(*r));
		hour_read(run->opt, walk->dirfd, walk->times[walk->n - n],
		    run->listing, r);
	} while (r->bestsz == 0 && n < walk->n);
	walk->tail_first = walk->n - n;
}

static void
tail_free(struct walk *walk)
{
	size_t i;

	for (i = 0; i < walk->n - walk->tail_first; i++) {
		bad_names_free(&walk->tail[i].hour);
		free(walk->tail[i].failed);
		free(walk->tail[i].best);
	}
	free(walk->tail);
}

/*
 * Returns the tail's reading of an hour, or reads it into scratch.
 */
static struct reading *
reading_get(
    struct run *run, const struct walk *walk, size_t i, struct reading *scratch)
{
	if (i >= walk->tail_first)
		return &walk->tail[walk->n - 1 - i];
	hour_read(run->opt, walk->dirfd, walk->times[i], run->listing, scratch);
	return scratch;
}

/*
 * Finds the nearest hour outside the window, from index i on, that has a best
 * segment or may have one: what spills into the window counts, and time
 * without any up to there is a hole. Nothing else of it is reported. Returns
 * NULL if there is none.
 */
static struct reading *
neighbour_find(struct run *run, const struct walk *walk, size_t i, int step,
    struct reading *scratch)
{
	struct reading *r;
	bool found;

	for (; i < walk->n; i += (size_t)step) { /* ends after index 0, too */
		r = reading_get(run, walk, i, scratch);
		found = reading_exists(run, walk, r) &&
		    (r->bestsz > 0 || !r->hour.readable);
		bad_names_free(&r->hour);
		if (!found)
			continue;
		reading_say(run, walk, r);
		return r;
	}
	return NULL;
}

/*
 * Returns how many of the hours are before `time`.
 */
static size_t
hours_before(const struct walk *walk, int64_t time)
{
	size_t i = 0;

	while (i < walk->n && walk->times[i] < time)
		i++;
	return i;
}

/*
 * Accounts in order for the hours of the window and one on each side. The
 * one after the window is read first, like the newest hour.
 */
static void
hours_account(struct run *run, struct walk *walk, struct report *report)
{
	struct reading after_scratch = {.best = NULL};
	struct reading before_scratch = {.best = NULL};
	struct reading *after, *before;
	struct timeline tl = {.report = report,
	    .opt = run->opt,
	    .raw_end = TIME_NONE,
	    .editable_end = TIME_NONE,
	    .last_hour = TIME_NONE};
	size_t first = hours_before(walk, run->opt->window.start);
	size_t end = hours_before(walk, run->opt->window.end), i = first, n;

	tail_read(run, walk);
	report->newest =
	    reading_get(run, walk, walk->tail_first, NULL)->hour.end;
	report->hours = need(calloc(walk->n + 1, sizeof(*report->hours)));
	after = neighbour_find(run, walk, end, 1, &after_scratch);
	n = end < walk->tail_first ? end : walk->tail_first;
	n = n > first ? n - first : 0;
	pool_start(run->pool, walk->dirfd, walk->times + first, n);
	before = neighbour_find(run, walk, first - 1, -1, &before_scratch);
	if (before != NULL)
		hour_account(&tl, before);
	for (; i < first + n; i++) {
		hour_take(run, walk, &tl, pool_next(run->pool));
		pool_took(run->pool);
		progress_show(run, report, i - first + 1, end - first);
	}
	pool_end(run->pool);
	for (; i < end; i++)
		hour_take(run, walk, &tl, reading_get(run, walk, i, NULL));
	if (after != NULL)
		hour_account(&tl, after);
	if (report->newest < report->stream.end)
		report->newest = report->stream.end;
	free(before_scratch.best);
	free(after_scratch.best);
	tail_free(walk);
}

/*
 * Returns the names of what there is instead, for a message, which the caller
 * frees.
 */
static char *
names_there(const struct options *opt, const struct names *names)
{
	char *there;
	size_t i, n = 0, size;
	FILE *fp = need(open_memstream(&there, &size));

	for (i = 0; i < names->n && n < NAMES_SAID; i++)
		if (strcmp(names->v[i], opt->output_dir) != 0)
			fprintf(fp, "%s%s", n++ == 0 ? "; there are: " : ", ",
			    names->v[i]);
	if (i < names->n)
		fprintf(fp, " and %zu more", names->n - i);
	if (fclose(fp) != 0)
		(void)need(NULL);
	return there;
}

/*
 * Reports a quality that does not exist. It may not have begun, but if the
 * channel has others its name is more likely wrong.
 */
static void
quality_absent(struct run *run, struct report *report, const char *dir)
{
	const struct names *siblings = report->siblings;
	const char *base_dir = run->opt->base_dir;
	char *there, *message;
	size_t i = 0;
	int64_t time;

	report->state = STATE_ABSENT;
	while (i < siblings->n && hour_parse(siblings->v[i], &time) != 0)
		i++;
	if (i < siblings->n)
		there = compose("; '%s' is itself a quality, and '%s' its "
				"channel: use -b %s/..",
		    report->channel, base_dir, base_dir);
	else
		there = names_there(run->opt, siblings);
	message = compose("no such quality%s", there);
	if (siblings->n > 0 && !run->opt->check)
		trouble(run, dir, "%s", message);
	else if (run->opt->verbose)
		say(run, dir, message);
	free(message);
	free(there);
}

/*
 * Surveys one quality. A link that leads nowhere is trouble, not absence: its
 * disk may be away.
 */
static void
quality_survey(
    struct run *run, struct report *report, int channel, const char *dir)
{
	struct walk walk = {.dir = dir};
	struct stat st;

	walk.dirfd = directory_open(channel, report->quality, O_RDONLY);
	if (walk.dirfd == -1 && errno == ENOENT &&
	    fstatat(channel, report->quality, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		quality_absent(run, report, dir);
		return;
	}
	if (walk.dirfd == -1 || hours_list(run, &walk) != 0) {
		report->state = STATE_UNREADABLE;
		unread(run, dir, errno);
	} else {
		report->state = STATE_READ;
		if (walk.n > 0)
			hours_account(run, &walk, report);
		shares_find(report);
	}
	free(walk.times);
	if (walk.dirfd != -1)
		(void)close(walk.dirfd);
}

/*
 * Reports a channel that does not exist, or is not a directory, with what
 * there is instead.
 */
static void
channel_missing(struct run *run, const char *path, int error)
{
	const char *base_dir = run->opt->base_dir;
	char *there;
	struct stat st;

	if (run->base_dirs.n + run->base_rest.n == 0)
		(void)directory_list(
		    run->base, &run->base_dirs, &run->base_rest);
	if (run->base_dirs.n + run->base_rest.n == 0)
		trouble(run, base_dir, "is empty: is it mounted?");
	else if (fstatat(run->base, run->opt->qualities.v[0], &st, 0) == 0 &&
	    S_ISDIR(st.st_mode))
		trouble(run, path,
		    "no such channel; '%s' is a channel: use -b %s/..",
		    base_dir, base_dir);
	else {
		there = names_there(run->opt, &run->base_dirs);
		trouble(run, path, "%s%s",
		    error == ENOENT ? "no such channel" : "not a directory",
		    there);
		free(there);
	}
	run->survey.complete = false;
}

static void
channel_survey(struct run *run, size_t i)
{
	const struct options *opt = run->opt;
	struct names *siblings = &run->survey.siblings[i];
	struct report *report;
	char *path, *dir;
	int fd = -1;
	size_t j;

	path = compose("%s/%s", opt->base_dir, opt->channels[i]);
	if (run->base != -1)
		fd = directory_open(run->base, opt->channels[i], O_PATH);
	if (fd != -1)
		(void)directory_list(fd, siblings, NULL);
	else if (run->base != -1 && (errno == ENOENT || errno == ENOTDIR))
		channel_missing(run, path, errno);
	else if (run->base != -1)
		unread(run, path, errno);
	for (j = 0; j < opt->qualities.n; j++) {
		report = &run->survey.reports[i * opt->qualities.n + j];
		report->channel = opt->channels[i];
		report->quality = opt->qualities.v[j];
		report->siblings = siblings;
		report->start = report->end = report->newest = TIME_NONE;
		report->stream = report->extent =
		    (struct span){TIME_NONE, TIME_NONE};
		if (fd == -1)
			continue;
		dir = compose("%s/%s", path, report->quality);
		quality_survey(run, report, fd, dir);
		free(dir);
	}
	if (fd != -1)
		(void)close(fd);
	free(path);
}

static void
survey_make(struct run *run)
{
	const struct options *opt = run->opt;
	struct survey *survey = &run->survey;
	size_t i;

	survey->complete = true;
	survey->reportsz = opt->channelsz * opt->qualities.n;
	survey->reports =
	    need(calloc(survey->reportsz + 1, sizeof(*survey->reports)));
	survey->siblings =
	    need(calloc(opt->channelsz + 1, sizeof(*survey->siblings)));
	run->base = directory_open(AT_FDCWD, opt->base_dir, O_PATH);
	if (run->base == -1 && opt->channelsz > 0) {
		trouble(run, opt->base_dir,
		    "%s; give the archive with "
		    "--base-dir",
		    errno == ENOENT ? "no such base directory"
				    : strerror(errno));
		survey->complete = false;
	}
	run->listing = need(listing_new());
	run->pool = pool_new(opt);
	for (i = 0; i < opt->channelsz; i++)
		channel_survey(run, i);
	pool_free(run->pool);
	listing_free(run->listing);
	progress_wipe(run);
}

static void
survey_free(struct survey *survey, size_t channelsz)
{
	struct report *report;
	size_t i, j;

	for (i = 0; i < survey->reportsz; i++) {
		report = &survey->reports[i];
		for (j = 0; j < report->hoursz; j++)
			bad_names_free(&report->hours[j]);
		free(report->hours);
		free(report->raw.holes.v);
		free(report->editable.holes.v);
		free(report->incomplete.v);
		free(report->missing.v);
		free(report->unreadable.v);
		free(report->known.v);
		fleet_free(report->fleet);
	}
	free(survey->reports);
	for (i = 0; i < channelsz; i++)
		names_free(&survey->siblings[i]);
	free(survey->siblings);
	for (i = 0; i < survey->errorsz; i++) {
		free(survey->errors[i].path);
		free(survey->errors[i].message);
	}
	free(survey->errors);
	names_free(&survey->notes);
}

/*
 * Output files: complete in memory, then in the old file's place
 */

/*
 * Remembers a target. Returns false if it is that of an earlier output. Files
 * do not tell: another run may have replaced ours and reuse their inodes.
 */
static bool
target_is_new(struct run *run, int dirfd, const char *name)
{
	struct stat st = {0};
	char *key;
	size_t i;

	(void)fstat(dirfd, &st);
	key = compose(
	    "%ju %ju %s", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino, name);
	for (i = 0; i < run->targets.n; i++)
		if (strcmp(run->targets.v[i], key) == 0) {
			free(key);
			return false;
		}
	names_add(&run->targets, key);
	return true;
}

/*
 * Returns why a target cannot be replaced, or NULL. A link is replaced itself;
 * but where it leads to anything but a file it stays, and so does one into
 * /proc, as /dev/stdout is, which may be a file today.
 */
static const char *
target_fault(struct run *run, int dirfd, const char *name)
{
	static const char proc[] = "/proc/";
	char to[sizeof(proc) - 1];
	struct stat st;

	if (!target_is_new(run, dirfd, name)) {
		errno = EINVAL;
		return "is the file of another output, too: give two names";
	}
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (readlinkat(dirfd, name, to, sizeof(to)) == (ssize_t)sizeof(to) &&
	    memcmp(to, proc, sizeof(to)) == 0) {
		errno = EINVAL;
		return "not a regular file";
	}
	errno = EINVAL;
	if (S_ISLNK(st.st_mode) && fstatat(dirfd, name, &st, 0) != 0)
		return NULL;
	if (S_ISDIR(st.st_mode))
		return "is a directory: give the name of a file";
	return S_ISREG(st.st_mode) ? NULL : "not a regular file";
}

/*
 * Replaces the file at path. Returns NULL, or with errno what failed.
 */
static const char *
output_replace(struct run *run, const char *path, const char *data, size_t size)
{
	const char *fault, *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char *dir = need(strndup(path, (size_t)(name - path)));
	int error, fd;

	fd = directory_open(AT_FDCWD, *dir == '\0' ? "." : dir, O_PATH);
	free(dir);
	if (fd == -1)
		return errno == ENOENT ? "its directory does not exist: make it"
				       : strerror(errno);
	fault = target_fault(run, fd, name);
	if (fault == NULL && file_replace(fd, name, data, size) != 0)
		fault = strerror(errno);
	error = errno;
	(void)close(fd);
	errno = error;
	return fault;
}

/*
 * Appends to an output's bytes. A stream of open_memstream() would lose some
 * without an error when memory runs out; this ends the run.
 */
static ssize_t
bytes_append(void *cookie, const char *buf, size_t size)
{
	struct bytes *bytes = cookie;

	if (bytes->cap - bytes->n < size) {
		bytes->cap = 2 * (bytes->n + size);
		bytes->v = need(realloc(bytes->v, bytes->cap));
	}
	memcpy(bytes->v + bytes->n, buf, size);
	bytes->n += size;
	return (ssize_t)size;
}

/*
 * Runs an emitter. Returns its bytes, which the caller frees, or NULL with
 * errno.
 */
static char *
emitted(struct run *run, EMITTER((*emit)), const struct report *report,
    size_t *size)
{
	const cookie_io_functions_t functions = {.write = bytes_append};
	struct bytes bytes = {need(malloc(BUFSIZ)), 0, BUFSIZ};
	FILE *fp = need(fopencookie(&bytes, "w", functions));
	int error = 0;

	errno = 0;
	if (emit(fp, run->opt, &run->survey, report) != 0)
		error = errno != 0 ? errno : ENOMEM;
	if (fclose(fp) != 0 || error == ENOMEM)
		(void)need(NULL);
	*size = bytes.n;
	if (error == 0)
		return bytes.v;
	free(bytes.v);
	errno = error;
	return NULL;
}

/*
 * Reports that an output was not written, except that a map which nobody
 * asked for and which may not be written is only a note: people look at
 * archives with accounts of their own.
 */
static void
output_failed(struct run *run, const char *path, const char *fault, bool is_map)
{
	if (!is_map || run->opt->map_asked ||
	    (errno != EACCES && errno != EPERM && errno != EROFS))
		trouble(run, path, "%s", fault);
	else if (!run->map_denied) {
		names_add(&run->survey.notes,
		    compose("no map: %s; -n to only look", fault));
		run->map_denied = true;
	}
}

/*
 * Makes the output directory below the base directory, readable by the web
 * server whatever the umask. Does not follow a link that somebody puts in the
 * place of a directory just made. Returns -1 with errno.
 */
static int
output_dir_make(const struct options *opt)
{
	char *path = need(strdup(opt->output_dir)), *name, *rest = path;
	mode_t mask = umask(0);
	int error, fd, next;
	bool made;

	fd = directory_open(
	    AT_FDCWD, path[0] == '/' ? "/" : opt->base_dir, O_PATH);
	while (fd != -1 && (name = strsep(&rest, "/")) != NULL) {
		if (*name == '\0')
			continue;
		made = mkdirat(fd, name, 0755) == 0;
		error = errno;
		next = directory_open(
		    fd, name, made ? O_PATH | O_NOFOLLOW : O_PATH);
		if (next == -1 && !made && error != EEXIST)
			errno = error;
		(void)close(fd);
		fd = next;
	}
	(void)umask(mask);
	free(path);
	return fd == -1 ? -1 : close(fd);
}

/*
 * Writes one output by an emitter. What fails is reported; other outputs go
 * on. Returns whether the file was written. There may be no map to write.
 */
static bool
output_write(struct run *run, const char *path, EMITTER((*emit)),
    const struct report *report)
{
	const char *fault;
	char *data;
	size_t size;

	if ((data = emitted(run, emit, report, &size)) == NULL) {
		if (errno == EFBIG)
			trouble(run, path,
			    "a map of more than %d hours is too wide: narrow "
			    "it with --first-hour and --last-hour",
			    MAP_HOURS_MAX);
		else if (errno != ENODATA)
			trouble(run, path, "%s", strerror(errno));
		return false;
	}
	if (report != NULL && output_dir_make(run->opt) != 0)
		fault = strerror(errno);
	else
		fault = output_replace(run, path, data, size);
	if (fault != NULL)
		output_failed(run, path, fault, report != NULL);
	else if (run->opt->verbose)
		say(run, path, "written");
	free(data);
	return fault == NULL;
}

/*
 * Returns the path of a map, its twin or a page, for the caller to free.
 */
static char *
output_path(
    const struct options *opt, const struct report *report, const char *ending)
{
	bool absolute = opt->output_dir[0] == '/';

	return compose("%s%s%s/%s_%s_coverage.%s",
	    absolute ? "" : opt->base_dir, absolute ? "" : "/", opt->output_dir,
	    report->channel, report->quality, ending);
}

/*
 * Writes a file of one quality into the output directory: its map, the
 * map's twin or the page. Returns whether it did.
 */
static bool
output_place(struct run *run, const struct report *report, const char *ending,
    EMITTER((*emit)))
{
	char *path = output_path(run->opt, report, ending);
	bool written = output_write(run, path, emit, report);

	free(path);
	return written;
}

/*
 * Writes the map of a quality and, beside it, its report for peers.
 */
static void
map_write(struct run *run, const struct report *report)
{
	if (!output_place(run, report, "png", render_map))
		return;
	run->maps++;
	run->map = report;
	(void)output_place(run, report, "json", report_json);
}

/*
 * Notes in the report which maps were written.
 */
static void
maps_note(struct run *run)
{
	char *what;
	int64_t hours;

	if (run->maps == 0)
		return;
	what = run->maps == 1
	    ? output_path(run->opt, run->map, "png")
	    : compose("%zu in %s", run->maps, run->opt->output_dir);
	hours = map_hours(run->opt, run->map);
	names_add(&run->survey.notes,
	    compose("map%s: %s, %lld hour%s; -n to only look",
		run->maps == 1 ? "" : "s", what, (long long)hours,
		hours == 1 ? "" : "s"));
	free(what);
}

/*
 * Finds out which nodes' maps the pages show. Returns false if the database
 * did not say.
 */
static bool
nodes_find(struct run *run)
{
	const struct options *opt = run->opt;
	struct survey *survey = &run->survey;
	char message[512], *subject;
	size_t i;

	if (opt->nodesz > 0) {
		survey->nodes = opt->nodes;
		survey->nodesz = opt->nodesz;
		return true;
	}
	if (run->progress)
		progress_put(
		    run, "asking the database for the nodes (10 s at most)");
	if (nodes_fetch(opt->dsn, &survey->nodes, &survey->nodesz, message,
		sizeof(message)) != 0) {
		trouble(run, "database", "%s", message);
		return false;
	}
	progress_wipe(run);
	for (i = 0; i < survey->nodesz; i++) {
		if (survey->nodes[i].fault == NULL)
			continue;
		subject = compose("node '%s'",
		    survey->nodes[i].name == NULL ? "" : survey->nodes[i].name);
		trouble(run, subject, "%s", survey->nodes[i].fault);
		free(subject);
	}
	return true;
}

/*
 * Writes all but the report, which also says what went wrong here.
 */
static void
outputs_write(struct run *run)
{
	const struct options *opt = run->opt;
	struct survey *survey = &run->survey;
	const struct report *report;
	bool pages = opt->make_page && (run->base != -1 || opt->peersz > 0) &&
	    nodes_find(run);
	size_t i;

	for (i = 0; i < survey->reportsz; i++) {
		report = &survey->reports[i];
		if (opt->make_map)
			map_write(run, report);
		if (pages &&
		    (report->state != STATE_UNKNOWN || opt->peersz > 0))
			(void)output_place(run, report, "html", render_page);
	}
	maps_note(run);
	survey->elapsed = clock_read(CLOCK_MONOTONIC) - run->started;
	if (opt->metrics != NULL)
		(void)output_write(run, opt->metrics, report_metrics, NULL);
}

static void
report_write(struct run *run)
{
	static EMITTER((*const emitters[])) = {[FORMAT_TEXT] = report_text,
	    [FORMAT_JSON] = report_json,
	    [FORMAT_HOLES] = report_holes,
	    [FORMAT_NONE] = NULL};
	const struct options *opt = run->opt;
	char *data;
	size_t size;

	if (opt->format == FORMAT_NONE)
		return;
	if (opt->report != NULL) {
		(void)output_write(
		    run, opt->report, emitters[opt->format], NULL);
		return;
	}
	if ((data = emitted(run, emitters[opt->format], NULL, &size)) == NULL ||
	    write_all(STDOUT_FILENO, data, size) != 0 ||
	    close(STDOUT_FILENO) != 0)
		trouble(run, "stdout", "%s", strerror(errno));
	free(data);
}

/*
 * Peers and known losses: files that the options name
 */

/*
 * Reads the peers' reports. One that cannot be used is reported, and its node
 * is unknown.
 */
static void
peers_read(struct run *run)
{
	struct survey *survey = &run->survey;
	struct peer *peer;
	char *subject, *text;
	size_t i, size;

	survey->peers = run->opt->peers;
	survey->peersz = run->opt->peersz;
	for (i = 0; i < survey->peersz; i++) {
		peer = &survey->peers[i];
		peer->generated_at = TIME_NONE;
		if ((text = file_read(peer->file, FILE_MAX, &size)) == NULL)
			peer->message = need(strdup(strerror(errno)));
		else
			(void)peer_parse(survey->peers, i, text, size);
		free(text);
		if (peer->message == NULL)
			continue;
		subject = compose("%s=%s", peer->name, peer->file);
		trouble(run, subject, "%s", peer->message);
		free(subject);
	}
}

/*
 * Whether a field of --known, a name made printable or `*`, stands for a name.
 */
static bool
name_matches(const char *field, const char *name)
{
	char *printable = name_printable(name, true);
	bool matches = strcmp(field, printable) == 0 || strcmp(field, "*") == 0;

	free(printable);
	return matches;
}

/*
 * Reads a line of --known, as -f holes prints it, or with blanks for tabs. `#`
 * begins a comment. Adds its span to the qualities that it is about. Returns
 * false if it does not parse.
 */
static bool
known_line(struct survey *survey, char *line)
{
	const char *blanks = strchr(line, '\t') != NULL ? "\t" : " ";
	char *fields[4], *field;
	struct report *r;
	struct span span;
	size_t n = 0;
	bool date_only;

	while (
	    n < 4 && (field = strsep(&line, blanks)) != NULL && *field != '#')
		if (*field != '\0')
			fields[n++] = field;
	if (n == 0)
		return true;
	if (n < 4 || time_parse(fields[2], &span.start, &date_only) != 0 ||
	    time_parse(fields[3], &span.end, &date_only) != 0 ||
	    span.start >= span.end)
		return false;
	for (r = survey->reports; r < survey->reports + survey->reportsz; r++)
		if (name_matches(fields[0], r->channel) &&
		    name_matches(fields[1], r->quality))
			spans_add(&r->known, span.start, span.end);
	return true;
}

static void
known_read(struct run *run)
{
	const char *file = run->opt->known_file;
	struct survey *survey = &run->survey;
	size_t i, number = 0, size;
	char *line, *rest, *subject, *text = file_read(file, FILE_MAX, &size);

	if ((rest = text) == NULL)
		trouble(run, file, "%s", strerror(errno));
	while ((line = strsep(&rest, "\n")) != NULL) {
		number++;
		if (known_line(survey, line))
			continue;
		subject = compose("%s:%zu", file, number);
		trouble(run, subject,
		    "give channel, quality, start and end, as -f holes prints "
		    "them");
		free(subject);
	}
	for (i = 0; i < survey->reportsz; i++)
		spans_sort(&survey->reports[i].known);
	free(text);
}

/*
 * The run
 */

/*
 * A signal ends the run by its default action. Where the program is the first
 * process of a container there is none, so this takes its place. A file that
 * grows too large is an error like a full disk.
 */
static void
signal_end(int sig)
{
	_exit(128 + sig);
}

static void
signals_set(void)
{
	static const int fatal[] = {SIGHUP, SIGINT, SIGTERM};
	size_t i;

	(void)signal(SIGXFSZ, SIG_IGN);
	for (i = 0; getpid() == 1 && i < LENGTH(fatal); i++)
		(void)signal(fatal[i], signal_end);
}

/*
 * Fills the places of closed standard streams, so that no other file takes
 * them. Writing to such a stdout fails.
 */
static void
streams_guard(void)
{
	int fd;

	for (fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) == -1)
			(void)open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY);
}

/*
 * Lets memory that the threads free serve the maps and the report, instead
 * of returning it to the system in between.
 */
static void
memory_set(void)
{
#ifdef M_ARENA_MAX
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
	(void)mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
#endif
}

/*
 * Compares with the peers' reports and the known losses.
 */
static void
survey_compare(struct run *run)
{
	if (run->opt->peersz > 0) {
		peers_read(run);
		if (run->opt->channelsz == 0) {
			free(run->survey.reports);
			fleet_reports(&run->survey);
		}
	}
	if (run->opt->known_file != NULL)
		known_read(run);
	if (run->opt->peersz > 0)
		fleet_make(run->opt, &run->survey);
}

static void
run_free(struct run *run)
{
	if (run->survey.nodes != run->opt->nodes)
		nodes_free(run->survey.nodes, run->survey.nodesz);
	survey_free(&run->survey, run->opt->channelsz);
	names_free(&run->base_dirs);
	names_free(&run->base_rest);
	names_free(&run->targets);
	if (run->base != -1)
		(void)close(run->base);
}

int
main(int argc, char *argv[])
{
	struct options opt;
	struct run run = {.opt = &opt};
	bool found = false;

	run.started = clock_read(CLOCK_MONOTONIC);
	run.progress_at = run.started + PROGRESS_AFTER;
	memory_set();
	streams_guard();
	signals_set();
	(void)setlocale(LC_CTYPE, "");
	options_parse(&opt, argc, argv);
	run.progress = isatty(STDERR_FILENO);
	survey_make(&run);
	survey_compare(&run);
	outputs_write(&run);
	report_write(&run);
	if (opt.check)
		found = report_check(stderr, &opt, &run.survey);
	if (opt.summary &&
	    (report_summary(stdout, &opt, &run.survey, NULL) != 0 ||
		fclose(stdout) != 0))
		trouble(&run, "stdout", "%s", strerror(errno));
	run_free(&run);
	options_free(&opt);
	return run.survey.errorsz > 0 ? EXIT_TROUBLE
	    : found                   ? EXIT_FOUND
				      : EXIT_SUCCESS;
}
