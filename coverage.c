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
#define RECENT         (10 * MINUTE) /* a directory changed since */
#define MEMORY_KEPT    (4 << 20) /* bytes */
#define TIME_FIRST     (INT64_C(-62135596800) * SECOND) /* of the year 1 */
#define TEN_YEARS      (INT64_C(315360000) * SECOND)
#define FILE_MAX       (64 << 20) /* bytes of a peer's report */

struct timeline {
	struct report *report;
	const struct options *opt;
	int64_t raw_end; /* furthest end; TIME_NONE before the first */
	int64_t editable_end;
	int64_t last_hour; /* the last with a best segment, or TIME_NONE */
};

/*
 * The way through the hours of a quality.
 */
struct walk {
	struct run *run;
	int dirfd;
	const char *dir; /* its path, for messages */
	int64_t *times; /* owned; of all hour directories, in order */
	size_t n;
	size_t first, end; /* the window's are times[first] to [end - 1] */
	struct timeline tl;
	struct reading held; /* not yet accounted for */
	bool holding; /* there is one */
	bool reported; /* it is in the window */
};

struct bytes {
	char *v;
	size_t n;
	size_t cap;
};

struct run {
	const struct options *opt;
	struct survey survey;
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
 * Prints a line to stderr and frees it. Escapes what a terminal would act on.
 */
static void
line_print(char *line, bool utf8)
{
	char *printable = name_printable(line, utf8);

	fprintf(stderr, PROGRAM ": %s\n", printable);
	free(printable);
	free(line);
}

static void
say(struct run *run, const char *subject, const char *message)
{
	progress_wipe(run);
	line_print(compose("%s: %s", subject, message), run->opt->utf8);
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

	va_start(ap, fmt);
	line_print(vcompose(fmt, ap), false);
	va_end(ap);
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
	size_t colour; /* of colours[] */
};

static const char digits[] = "0123456789";
static const char *const formats[] = {"text", "json", "holes", "none", NULL};
static const char *const colours[] = {"auto", "always", "never", NULL};

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
	size_t len = strspn(value, digits);
	unsigned long n =
	    len > 0 && len < 10 ? strtoul(value, NULL, 10) : max + 1;

	if (value[len] != '\0' || n < min || n > max)
		usage("%s '%s': give a whole number from %zu to %zu", option,
		    value, min, max);
	return n;
}

/*
 * Returns the index of one of several words, which `give` lists.
 */
static size_t
word_option(const char *option, const char *value, const char *const *words,
    const char *give)
{
	size_t i;

	for (i = 0; words[i] != NULL; i++)
		if (strcmp(value, words[i]) == 0)
			return i;
	usage("%s '%s': give %s", option, value, give);
}

static const char *
name_option(const char *option, const char *value, const char *what)
{
	if (*value == '\0')
		usage("%s '': give the name of a %s", option, what);
	if (strcmp(what, "file") == 0 && value[strlen(value) - 1] == '/')
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
 * Returns the start of the hour that value names: `now`, one before now such
 * as `-6h` or `-2d`, or an instant. A bare date is its first hour, or its
 * last.
 */
static int64_t
hour_option(const char *option, const char *value, int64_t now, bool last)
{
	size_t len = *value == '-' ? strspn(value + 1, digits) : 0;
	const char *unit = value + len + (len > 0);
	int64_t rest, t = now;
	bool date_only = false;

	if (len > 0 && len < 6 && (*unit == 'h' || *unit == 'd') &&
	    unit[1] == '\0')
		t -= strtol(value + 1, NULL, 10) * (*unit == 'd' ? DAY : HOUR);
	else if (strcmp(value, "now") != 0 &&
	    time_parse(value, &t, &date_only) != 0)
		t = TIME_NONE;
	if (t < TIME_FIRST)
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

static void
options_check(struct options *opt, const struct later *later)
{
	const char *ending;
	char *slash;
	size_t i;

	if (later->first_hour != NULL)
		opt->window.start = hour_option(
		    "--first-hour", later->first_hour, opt->now, false);
	if (later->last_hour != NULL)
		opt->window.end = HOUR +
		    hour_option(
			"--last-hour", later->last_hour, opt->now, true);
	if (opt->window.start >= opt->window.end)
		usage("--first-hour '%s' is after --last-hour '%s': give the "
		      "earlier one first",
		    later->first_hour, later->last_hour);
	if (opt->make_page &&
	    (opt->output_dir[0] == '/' || strstr(opt->output_dir, "..")))
		usage("--output-dir '%s' with --make-page: give a directory "
		      "below the base directory, as the nodes serve it",
		    opt->output_dir);
	for (i = 0; i < opt->channelsz; i++) /* the shell completes with / */
		while ((slash = strrchr(opt->channels[i], '/')) != NULL &&
		    slash > opt->channels[i] && slash[1] == '\0')
			*slash = '\0';
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

	if (strcmp(when, "auto") != 0)
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
	char *s = optarg;

	switch (c) {
	case 'b':
		opt->base_dir = name_option("--base-dir", s, "directory");
		break;
	case 'q':
		qualities_option(opt, s);
		break;
	case OPTION_FIRST_HOUR:
		later->first_hour = s;
		break;
	case OPTION_LAST_HOUR:
		later->last_hour = s;
		break;
	case OPTION_EXPECT:
		opt->expect = time_option("--expect", s);
		break;
	case 't':
		opt->tolerance = seconds_option("--tolerance", s, DURATION_MAX);
		break;
	case 's':
		opt->sizes = true;
		break;
	case 'f':
		opt->format = (enum format)word_option(
		    "--format", s, formats, "text, json, holes or none");
		later->format = true;
		break;
	case 'a':
		opt->all_hours = true;
		break;
	case OPTION_COLOR:
		later->colour =
		    word_option("--color", s, colours, "always, never or auto");
		break;
	case 'r':
		opt->report = name_option("--report", s, "file");
		break;
	case 'm':
		opt->metrics = name_option("--metrics", s, "file");
		break;
	case OPTION_METRICS_HOURS:
		opt->metrics_hours =
		    number_option("--metrics-hours", s, 0, 100000000);
		break;
	case OPTION_OUTPUT_DIR:
		opt->output_dir = name_option("--output-dir", s, "directory");
		later->output_dir = true;
		break;
	case 'n':
		opt->make_map = false;
		break;
	case OPTION_MAKE_PAGE:
		opt->make_page = true;
		break;
	case OPTION_CONNECTION_STRING:
		free(opt->dsn);
		opt->dsn = need(strdup(s));
		memset(s, 'x', strlen(s)); /* every user can list processes */
		break;
	case OPTION_NODE:
		node_option(opt, s);
		break;
	case OPTION_PEER:
		peer_option(opt, s);
		break;
	case OPTION_NAME:
		opt->name = name_option("--name", s, "node");
		break;
	case OPTION_KNOWN:
		opt->known_file = name_option("--known", s, "file");
		break;
	case 'c':
		opt->check = true;
		break;
	case OPTION_SETTLE:
		opt->settle = seconds_option("--settle", s, TEN_YEARS);
		break;
	case OPTION_BACKFILL:
		later->check_option = "--backfill";
		opt->backfill = seconds_option("--backfill", s, TEN_YEARS);
		break;
	case OPTION_MIN_HOLE:
		later->check_option = "--min-hole";
		opt->min_hole = seconds_option("--min-hole", s, TEN_YEARS);
		break;
	case OPTION_MAX_AGE:
		later->check_option = "--max-age";
		opt->max_age = seconds_option("--max-age", s, TEN_YEARS);
		break;
	case 'j':
		opt->jobs = (unsigned)number_option("--jobs", s, 1, JOBS_MAX);
		break;
	case OPTION_NOW:
		opt->now = time_option("--now", s);
		break;
	case 'v':
		opt->verbose = true;
		break;
	case 'h':
		answer(help_txt, sizeof(help_txt) - 1);
	case 'V':
		answer(PROGRAM " " VERSION "\n", sizeof(PROGRAM VERSION) + 1);
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
	opt->colour = colour_wanted(opt, colours[later.colour]);
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

/*
 * Adds holes if the next segment starts here.
 */
static void
holes_find(struct timeline *tl, int64_t start)
{
	struct coverage *coverages[] = {
	    &tl->report->raw, &tl->report->editable};
	int64_t ends[] = {tl->raw_end, tl->editable_end};
	struct span hole;
	int i;

	if (start <= tl->editable_end + tl->opt->tolerance)
		return; /* the raw end is no earlier */
	for (i = 0; i < 2; i++) {
		hole = (struct span){ends[i], start};
		if (start <= ends[i] + tl->opt->tolerance ||
		    !span_cut(
			&hole, tl->opt->window.start, tl->opt->window.end))
			continue;
		spans_add(&coverages[i]->holes, hole.start, hole.end);
		coverages[i]->hole_duration += hole.end - hole.start;
	}
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
		tl->raw_end = tl->editable_end = tl->report->extent.start =
		    opt->expect;
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
	const struct segment *seg;
	int64_t start;

	if (!hour->readable)
		unreadable_account(tl, hour->time);
	if (r->bestsz == 0)
		return;
	hour_begin(tl, hour->time, hour->start);
	for (seg = r->best; seg < r->best + r->bestsz; seg++) {
		start = hour->time + seg->offset;
		segment_account(
		    tl, hour, start, start + seg->duration, seg->type);
	}
	span_extend(&tl->report->stream, hour->start, hour->end);
	span_extend(&tl->report->extent, hour->start, hour->end);
}

static void
tallies_sum(struct tally *sums, const struct tally *tallies, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		sums[i].count += tallies[i].count;
		sums[i].duration += tallies[i].duration;
	}
}

static void
report_add(struct report *report, const struct hour *hour)
{
	struct counts *sum = &report->counts;
	const struct counts *counts = &hour->counts;

	tallies_sum(sum->segments, counts->segments, SEGMENT_TYPES);
	tallies_sum(sum->overlaps, counts->overlaps, SEGMENT_TYPES);
	tallies_sum(&sum->incomplete, &counts->incomplete, 1);
	sum->temp += counts->temp;
	sum->bad += counts->bad;
	sum->tombstoned += counts->tombstoned;
	sum->ahead += counts->ahead;
	sum->empty += counts->empty;
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
bad_names_free(struct hour *hour)
{
	while (hour->bad_namesz > 0)
		free(hour->bad_names[--hour->bad_namesz]);
	free(hour->bad_names);
	hour->bad_names = NULL;
}

static void
report_init(struct report *report)
{
	const struct span none = {TIME_NONE, TIME_NONE};

	report->start = report->end = report->newest = TIME_NONE;
	report->stream = report->extent = none;
}

static void
report_free(struct report *report)
{
	while (report->hoursz > 0)
		bad_names_free(&report->hours[--report->hoursz]);
	free(report->hours);
	free(report->raw.holes.v);
	free(report->editable.holes.v);
	free(report->incomplete.v);
	free(report->missing.v);
	free(report->unreadable.v);
	free(report->known.v);
	fleet_free(report->fleet);
}

/*
 * The walk: channels, qualities and their hours
 */

/*
 * Prints an error or a message about an hour, or about a name in it.
 */
static void
hour_say(const struct walk *walk, int64_t time, const char *name, int error,
    const char *message)
{
	char hour[TIME_SIZE], *path;

	hour_format(hour, time);
	path = compose("%s/%s%s%s", walk->dir, hour, name == NULL ? "" : "/",
	    name == NULL ? "" : name);
	if (error != 0)
		unread(walk->run, path, error);
	else
		say(walk->run, path, message);
	free(path);
}

/*
 * With -v, reports an entry that is not an hour directory.
 */
static void
stray_say(const struct walk *walk, const char *name)
{
	char *path;

	if (!walk->run->opt->verbose || name[0] == '.')
		return;
	path = compose("%s/%s", walk->dir, name);
	say(walk->run, path, "stray: not an hour directory");
	free(path);
}

/*
 * Lists the hours of a quality in order. Returns -1 with errno.
 */
static int
hours_list(struct walk *walk)
{
	const struct span *window = &walk->run->opt->window;
	struct names dirs = {.n = 0}, strays = {.n = 0};
	int64_t time;
	size_t i;
	int ret = directory_list(walk->dirfd, &dirs, &strays);

	walk->times = need(calloc(dirs.n + 1, sizeof(*walk->times)));
	for (i = 0; ret == 0 && i < dirs.n; i++) {
		if (hour_parse(dirs.v[i], &time) != 0) {
			stray_say(walk, dirs.v[i]);
			continue;
		}
		walk->times[walk->n++] = time;
		walk->first += time < window->start;
		walk->end += time < window->end;
	}
	for (i = 0; ret == 0 && i < strays.n; i++)
		stray_say(walk, strays.v[i]);
	names_free(&dirs);
	names_free(&strays);
	return ret;
}

/*
 * Returns false if the hour vanished after it was listed, or is not a
 * directory. A link that leads nowhere exists: its disk may be away.
 */
static bool
reading_exists(const struct walk *walk, const struct reading *r)
{
	char name[TIME_SIZE];
	struct stat st;

	if (r->error != ENOENT && r->error != ENOTDIR)
		return true;
	hour_format(name, r->hour.time);
	if (r->error == ENOENT)
		return fstatat(walk->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) ==
		    0;
	stray_say(walk, name);
	return false;
}

/*
 * Reports an hour that could not be read, or a file in it; with -v, its bad
 * names.
 */
static void
reading_say(const struct walk *walk, const struct reading *r)
{
	const struct hour *hour = &r->hour;
	char *message;
	size_t i;

	if (r->error == ENOMEM)
		(void)need(NULL);
	if (r->error != 0)
		hour_say(walk, hour->time, NULL, r->error, NULL);
	else if (r->failed_errno != 0)
		hour_say(
		    walk, hour->time, need(r->failed), r->failed_errno, NULL);
	if (!walk->run->opt->verbose || !walk->reported)
		return;
	for (i = 0; i < hour->bad_namesz; i++)
		hour_say(walk, hour->time, hour->bad_names[i], 0,
		    "bad: not a segment's name, not a regular file, or empty");
	if (hour->counts.bad == hour->bad_namesz)
		return;
	message = compose("%zu more bad names, which are not listed",
	    hour->counts.bad - hour->bad_namesz);
	hour_say(walk, hour->time, NULL, 0, message);
	free(message);
}

/*
 * Frees what a reading owns, but for the memory that the next one uses.
 */
static void
reading_drop(struct reading *r)
{
	bad_names_free(&r->hour);
	free(r->failed);
	r->failed = NULL;
}

/*
 * Accounts for the hour that is held back.
 */
static void
held_account(struct walk *walk)
{
	struct reading *r = &walk->held;
	struct run *run = walk->run;

	if (walk->holding && reading_exists(walk, r)) {
		reading_say(walk, r);
		hour_account(&walk->tl, r);
		if (walk->reported) {
			if (run->opt->format != FORMAT_JSON)
				bad_names_free(&r->hour);
			report_add(walk->tl.report, &r->hour);
			r->hour.bad_names = NULL; /* the report's now */
			r->hour.bad_namesz = 0;
		}
	}
	reading_drop(r);
	walk->holding = false;
}

/*
 * Whether accounting for the hour held back and for r finds a hole that ends
 * in r.
 */
static bool
hole_foreseen(const struct walk *walk, const struct reading *r)
{
	struct reading held = walk->held, next = *r;
	struct timeline tl = walk->tl;
	struct report report = {.state = STATE_READ};
	size_t holes;
	bool found;

	report_init(&report);
	tl.report = &report;
	if (walk->holding)
		hour_account(&tl, &held);
	holes = report.editable.holes.n; /* where a raw one is, so is one */
	hour_account(&tl, &next);
	found = report.editable.holes.n > holes;
	report_free(&report);
	return found;
}

/*
 * Lists r and the hour held back once more, if a hole is to be said that ends
 * in r and one of them changed lately: a listing misses what is renamed
 * meanwhile, and the hour before may have been finished since it was read.
 */
static void
look_again(struct walk *walk, struct reading *r)
{
	int64_t recent = clock_read(CLOCK_REALTIME) - RECENT, until = INT64_MAX;
	struct run *run = walk->run;

	if ((r->changed < recent &&
		(!walk->holding || walk->held.changed < recent)) ||
	    !hole_foreseen(walk, r))
		return;
	if (walk->holding) {
		reading_drop(&walk->held);
		hour_read(run->opt, walk->dirfd, walk->held.hour.time, true,
		    until, run->listing, &walk->held);
	}
	if (r->bestsz > 0)
		until = r->hour.time + r->best[r->bestsz - 1].offset;
	reading_drop(r);
	hour_read(
	    run->opt, walk->dirfd, r->hour.time, true, until, run->listing, r);
}

/*
 * Holds back an hour until the next one is known, and accounts for the one
 * before it.
 */
static void
hour_take(struct walk *walk, struct reading *r, bool reported)
{
	struct reading used;

	if (!reading_exists(walk, r)) {
		reading_drop(r);
		return;
	}
	look_again(walk, r);
	held_account(walk);
	used = walk->held;
	walk->held = *r;
	*r = used;
	walk->holding = true;
	walk->reported = reported;
	walk->run->segments += reported ? walk->held.bestsz : 0;
}

/*
 * Takes the nearest hour outside the window, from index i on, that has a best
 * segment or may have one: what spills into the window counts, and time
 * without any up to there is a hole. Nothing else of it is reported.
 */
static void
neighbour_take(struct walk *walk, size_t i, int step)
{
	struct reading r = {.best = NULL};
	struct run *run = walk->run;
	bool found = false;

	for (; !found && i < walk->n; i += (size_t)step) { /* past 0, too */
		hour_read(run->opt, walk->dirfd, walk->times[i], false,
		    INT64_MAX, run->listing, &r);
		found = r.bestsz > 0 || !r.hour.readable;
		found = found && reading_exists(walk, &r);
		if (found)
			hour_take(walk, &r, false);
		reading_drop(&r);
	}
	free(r.best);
}

/*
 * Accounts in order for the hours of the window and one on each side, and
 * finds the end of the whole stream.
 */
static void
hours_account(struct walk *walk)
{
	const struct options *opt = walk->run->opt;
	struct report *report = walk->tl.report;
	struct reading newest = {.best = NULL};
	size_t end = walk->end, first = walk->first, i;
	struct pool *pool;

	report->hours = need(calloc(end - first + 1, sizeof(*report->hours)));
	pool = pool_start(opt, walk->dirfd, walk->times + first, end - first);
	neighbour_take(walk, first - 1, -1);
	for (i = first; i < end; i++) {
		hour_take(walk, pool_next(pool), true);
		progress_show(walk->run, report, i - first + 1, end - first);
	}
	neighbour_take(walk, end, 1);
	held_account(walk);
	pool_end(pool);
	for (i = walk->n; i-- > end && newest.bestsz == 0;
	     reading_drop(&newest))
		hour_read(opt, walk->dirfd, walk->times[i], false, INT64_MAX,
		    walk->run->listing, &newest);
	report->newest = report->stream.end;
	if (newest.bestsz > 0 && report->newest < newest.hour.end)
		report->newest = newest.hour.end;
	free(newest.best);
	free(walk->held.best);
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
	struct walk walk = {.run = run,
	    .dir = dir,
	    .tl = {report, run->opt, TIME_NONE, TIME_NONE, TIME_NONE}};
	struct hour *hour;
	size_t editable = 0, i, raw = 0;
	struct stat st;

	walk.dirfd = directory_open(channel, report->quality, O_RDONLY);
	if (walk.dirfd == -1 && errno == ENOENT &&
	    fstatat(channel, report->quality, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		quality_absent(run, report, dir);
		return;
	}
	if (walk.dirfd == -1 || hours_list(&walk) != 0) {
		report->state = STATE_UNREADABLE;
		unread(run, dir, errno);
	} else {
		report->state = STATE_READ;
		if (walk.n > 0)
			hours_account(&walk);
	}
	for (i = 0; i < report->hoursz; i++) {
		hour = &report->hours[i];
		raw =
		    share_find(&hour->raw, &report->raw.holes, hour->time, raw);
		editable = share_find(&hour->editable, &report->editable.holes,
		    hour->time, editable);
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
		report_init(report);
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
	for (i = 0; i < opt->channelsz; i++)
		channel_survey(run, i);
	listing_free(run->listing);
	progress_wipe(run);
}

/*
 * Output files: complete in memory, then in the old file's place
 */

/*
 * Returns why a target cannot be replaced, with errno, or NULL. A link is
 * replaced itself; but where it leads to anything but a file it stays, and so
 * does one into /proc, as /dev/stdout is, which may be a file today.
 *
 * Remembers the target as the directory's inode and a name. The file's own
 * inode does not tell: another run may have replaced it and reuse the number.
 */
static const char *
target_fault(struct run *run, int dirfd, const char *name)
{
	static const char proc[] = "/proc/";
	char *key, to[sizeof(proc) - 1];
	struct stat st = {0};
	size_t i;

	(void)fstat(dirfd, &st);
	key = compose(
	    "%ju %ju %s", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino, name);
	names_add(&run->targets, key);
	for (i = 0; strcmp(run->targets.v[i], key) != 0;)
		i++;
	errno = EINVAL;
	if (i < run->targets.n - 1)
		return "is the file of another output, too: give two names";
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (readlinkat(dirfd, name, to, sizeof(to)) == (ssize_t)sizeof(to) &&
	    memcmp(to, proc, sizeof(to)) == 0)
		st.st_mode = S_IFCHR;
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
 * Writes one output by an emitter, and frees its path. What fails is reported;
 * other outputs go on. Returns whether the file was written. There may be no
 * map to write. A map that nobody asked for and that may not be written is
 * only a note: people look at archives with accounts of their own.
 */
static bool
output_write(
    struct run *run, char *path, EMITTER((*emit)), const struct report *report)
{
	const struct options *opt = run->opt;
	const char *fault = NULL;
	size_t size;
	char *data = emitted(run, emit, report, &size);

	if (data == NULL && errno == EFBIG)
		trouble(run, path,
		    "a map of more than %d hours is too wide: narrow it with "
		    "--first-hour and --last-hour",
		    MAP_HOURS_MAX);
	else if (data == NULL && errno != ENODATA)
		trouble(run, path, "%s", strerror(errno));
	else if (data != NULL && report != NULL && output_dir_make(opt) != 0)
		fault = strerror(errno);
	else if (data != NULL)
		fault = output_replace(run, path, data, size);
	if (fault != NULL &&
	    (report == NULL || opt->map_asked ||
		(errno != EACCES && errno != EPERM && errno != EROFS)))
		trouble(run, path, "%s", fault);
	else if (fault != NULL && !run->map_denied) {
		names_add(&run->survey.notes,
		    compose("no map: %s; -n to only look", fault));
		run->map_denied = true;
	} else if (data != NULL && fault == NULL && opt->verbose)
		say(run, path, "written");
	free(path);
	free(data);
	return data != NULL && fault == NULL;
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
		subject = compose("node '%s'", survey->nodes[i].name);
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
		if (opt->make_map &&
		    output_write(run, output_path(opt, report, "png"),
			render_map, report)) {
			run->maps++;
			run->map = report;
			(void)output_write(run,
			    output_path(opt, report, "json"), report_json,
			    report); /* for peers */
		}
		if (pages &&
		    (report->state != STATE_UNKNOWN || opt->peersz > 0))
			(void)output_write(run,
			    output_path(opt, report, "html"), render_page,
			    report);
	}
	maps_note(run);
	survey->elapsed = clock_read(CLOCK_MONOTONIC) - run->started;
	if (opt->metrics != NULL)
		(void)output_write(
		    run, need(strdup(opt->metrics)), report_metrics, NULL);
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
		(void)output_write(run, need(strdup(opt->report)),
		    emitters[opt->format], NULL);
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

static void
signal_end(int sig)
{
	_exit(128 + sig);
}

static void
process_set(void)
{
	static const int fatal[] = {SIGHUP, SIGINT, SIGTERM};
	size_t i;
	int fd;

	/* No other file may take the place of a closed standard stream. */
	for (fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) == -1)
			(void)open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY);
	/* A file that grows too large is an error like a full disk. */
	(void)signal(SIGXFSZ, SIG_IGN);
	/* The first process of a container has no default action. */
	for (i = 0; getpid() == 1 && i < LENGTH(fatal); i++)
		(void)signal(fatal[i], signal_end);
#ifdef M_ARENA_MAX
	/* Memory that the threads free serves the maps and the report. */
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
	(void)mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
#endif
	(void)setlocale(LC_CTYPE, "");
	/* Some zones make even libc's UTC count leap seconds. */
	(void)setenv("TZ", "UTC0", 1);
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
	struct survey *survey = &run->survey;
	size_t i;

	for (i = 0; i < survey->reportsz; i++)
		report_free(&survey->reports[i]);
	free(survey->reports);
	for (i = 0; i < run->opt->channelsz; i++)
		names_free(&survey->siblings[i]);
	free(survey->siblings);
	for (i = 0; i < survey->errorsz; i++) {
		free(survey->errors[i].path);
		free(survey->errors[i].message);
	}
	free(survey->errors);
	names_free(&survey->notes);
	if (survey->nodes != run->opt->nodes)
		nodes_free(survey->nodes, survey->nodesz);
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
	process_set();
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
