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

/*
 * The way through the hours of a quality.
 */
struct walk {
	struct run *run;
	const struct options *opt;
	struct report *report;
	int dirfd;
	const char *dir; /* its path, for messages */
	int64_t *times; /* owned; of all hour directories, in order */
	size_t n;
	size_t first, end; /* the window's are times[first] to [end - 1] */
	int64_t raw_end; /* furthest end; unset before last_hour is */
	int64_t editable_end;
	int64_t last_hour; /* the last with a best segment, or TIME_NONE */
	struct reading held; /* not yet accounted for */
	bool holding; /* there is one */
	bool reported; /* it is in the window */
};

struct bytes {
	char *v;
	size_t n, cap;
};

struct run {
	const struct options *opt;
	struct survey survey;
	size_t errorcap;
	int base; /* file descriptor, -1: it could not be opened */
	struct names base_dirs; /* directories there, once asked for */
	struct names base_rest; /* and other names */
	struct names targets; /* device and inode of directory, and name, of
				 each output, so that no other replaces it */
	bool map_denied; /* the report has a note on it */
	int64_t progress_at; /* us, monotonic; INT64_MAX: never */
	bool progress_shown;
	size_t segments; /* best ones so far, for the progress line */
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
 * Shows a line, which it frees, until the next message or line. It must not
 * wrap.
 */
static void
progress_show(struct run *run, char *line)
{
	char *printable = name_printable(line, false);

	fprintf(stderr, "\r\033[K\033[?7l%s\033[?7h", printable);
	run->progress_shown = true;
	run->progress_at = clock_read(CLOCK_MONOTONIC) + PROGRESS_EVERY;
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

enum weight {
	VERBOSE, /* said with -v only */
	TROUBLE, /* kept for the reports and the exit status */
	UNREAD /* likewise; the report is not complete */
};

/*
 * Says something about a subject, most often a path, which it then owns.
 */
static void __attribute__((format(printf, 4, 5)))
say(struct run *run, enum weight weight, char *subject, const char *fmt, ...)
{
	struct survey *survey = &run->survey;
	struct trouble said = {.path = subject};
	va_list ap;

	va_start(ap, fmt);
	said.message = vcompose(fmt, ap);
	va_end(ap);
	if (weight != VERBOSE || run->opt->verbose) {
		progress_wipe(run);
		line_print(
		    compose("%s: %s", subject, said.message), run->opt->utf8);
	}
	if (weight == VERBOSE) {
		free(said.path);
		free(said.message);
		return;
	}
	survey->errors = need(array_room(survey->errors, &run->errorcap,
	    survey->errorsz, sizeof(*survey->errors)));
	survey->errors[survey->errorsz++] = said;
	if (weight == UNREAD)
		survey->complete = false;
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

/* an option without a short form has the negative of a free letter */
static const char short_options[] = ":b:q:t:sf:ar:m:ncj:vhV";

static const struct option long_options[] = {
    {"base-dir", required_argument, NULL, 'b'},
    {"qualities", required_argument, NULL, 'q'},
    {"first-hour", required_argument, NULL, -'F'},
    {"last-hour", required_argument, NULL, -'L'},
    {"expect", required_argument, NULL, -'E'},
    {"tolerance", required_argument, NULL, 't'},
    {"sizes", no_argument, NULL, 's'},
    {"format", required_argument, NULL, 'f'},
    {"all-hours", no_argument, NULL, 'a'},
    {"color", required_argument, NULL, -'C'},
    {"report", required_argument, NULL, 'r'},
    {"metrics", required_argument, NULL, 'm'},
    {"metrics-hours", required_argument, NULL, -'H'},
    {"output-dir", required_argument, NULL, -'O'},
    {"no-map", no_argument, NULL, 'n'},
    {"make-page", no_argument, NULL, -'P'},
    {"connection-string", required_argument, NULL, -'D'},
    {"node", required_argument, NULL, -'N'},
    {"peer", required_argument, NULL, -'R'},
    {"name", required_argument, NULL, -'I'},
    {"known", required_argument, NULL, -'K'},
    {"check", no_argument, NULL, 'c'},
    {"settle", required_argument, NULL, -'S'},
    {"backfill", required_argument, NULL, -'B'},
    {"min-hole", required_argument, NULL, -'M'},
    {"max-age", required_argument, NULL, -'A'},
    {"jobs", required_argument, NULL, 'j'},
    {"now", required_argument, NULL, -'W'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    /* of the Python service that this program replaces */
    {"run-once", no_argument, NULL, -'X'},
    {"metrics-port", required_argument, NULL, -'Y'},
    {"check-interval", required_argument, NULL, -'Y'},
    {"backdoor-port", required_argument, NULL, -'Y'},
    {NULL, 0, NULL, 0},
};

static const char digits[] = "0123456789";

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
	if (value != NULL && *value == '\0')
		usage("%s '': give the name of a %s", option, what);
	if (value != NULL && strcmp(what, "file") == 0 &&
	    value[strlen(value) - 1] == '/')
		usage("%s '%s': give the name of a file, without '/' at the "
		      "end",
		    option, value);
	return value;
}

static int64_t
time_option(const char *option, const char *value, int64_t otherwise)
{
	int64_t t = otherwise;
	bool date_only;

	if (value != NULL && time_parse(value, &t, &date_only) != 0)
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
	int64_t t = now;
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
	return t - (t % HOUR + HOUR) % HOUR;
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
	*node = (struct node){need(strndup(value, (size_t)(equals - value))),
	    need(strdup(equals + 1)), NULL};
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

	if (equals == NULL || equals == value || equals[1] == '\0')
		usage("--peer '%s': give NAME=FILE", value);
	*equals = '\0';
	if (utf8_length(value) > 255)
		usage("--peer '%s': give a name of at most 255 characters",
		    value);
	opt->peers = need(
	    reallocarray(opt->peers, opt->peersz + 1, sizeof(*opt->peers)));
	opt->peers[opt->peersz++] =
	    (struct peer){.name = value, .file = equals + 1};
}

static void
qualities_option(struct options *opt, const char *value)
{
	char *list = need(strdup(value)), *name, *rest = list;
	size_t len;

	do {
		name = strsep(&rest, ",");
		name += strspn(name, " ");
		for (len = strlen(name); len > 0 && name[len - 1] == ' ';)
			len--;
		if (len == 0)
			usage("--qualities '%s': an empty name; give names "
			      "with single commas between them",
			    value);
		names_add(&opt->qualities, need(strndup(name, len)));
	} while (rest != NULL);
	free(list);
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
 * Takes an option at once if it adds to others or ends the run. Of all others
 * the last one counts. When getopt_long() rejects one, what follows '=' may be
 * a password, and stays out of the message, and argv[optind - 1] is not the
 * option if that is in a cluster such as -Zn.
 */
static void
option_take(struct options *opt, int c, char *argv[])
{
	const char *given = argv[optind - 1];
	int len = (int)strcspn(given, "=");

	switch (c) {
	case 'q':
		qualities_option(opt, optarg);
		break;
	case -'N':
		node_option(opt, optarg);
		break;
	case -'R':
		peer_option(opt, optarg);
		break;
	case -'D':
		free(opt->dsn);
		opt->dsn = need(strdup(optarg));
		/* every user can list processes */
		memset(optarg, 'x', strlen(optarg));
		break;
	case 'h':
	case 'V':
		if (fputs(c == 'h' ? help_txt : PROGRAM " " VERSION "\n",
			stdout) == EOF ||
		    fclose(stdout) != 0)
			err(EXIT_TROUBLE, "stdout");
		exit(EXIT_SUCCESS);
	case -'Y':
		usage("this program runs once and serves nothing: use cron or "
		      "a systemd timer for --check-interval, --metrics FILE "
		      "for --metrics-port, and nothing for --backdoor-port");
	case ':':
		if (strncmp(given, "--", 2) == 0)
			usage("%s needs a value: see --help", given);
		usage("-%c needs a value: see --help", optopt);
	case '?':
		if (optopt > 0 && strchr(short_options, optopt) == NULL)
			usage("unknown option '-%c': see --help", optopt);
		if (optopt != 0)
			usage("%.*s takes no value: see --help", len, given);
		usage("unknown or ambiguous option '%.*s': see --help", len,
		    given);
	default:
		break;
	}
}

/*
 * Reads the values v of the options given, both by letter.
 */
static void
options_read(struct options *opt, const char *const *v, const bool *given)
{
	static const char *const formats[] = {
	    "text", "json", "holes", "none", NULL};
	static const char *const colours[] = {"never", "always", "auto", NULL};
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	size_t colour;

	opt->base_dir = name_option("--base-dir", v['b'], "directory");
	opt->output_dir = name_option("--output-dir", v['O'], "directory");
	opt->report = name_option("--report", v['r'], "file");
	opt->metrics = name_option("--metrics", v['m'], "file");
	opt->known_file = name_option("--known", v['K'], "file");
	opt->name = name_option("--name", v['I'], "node");
	opt->format = (enum format)word_option(
	    "--format", v['f'], formats, "text, json, holes or none");
	opt->now = time_option("--now", v['W'], clock_read(CLOCK_REALTIME));
	opt->expect = time_option("--expect", v['E'], TIME_NONE);
	opt->window = (struct span){INT64_MIN, INT64_MAX};
	if (given['F'])
		opt->window.start =
		    hour_option("--first-hour", v['F'], opt->now, false);
	if (given['L'])
		opt->window.end =
		    HOUR + hour_option("--last-hour", v['L'], opt->now, true);
	opt->tolerance = seconds_option("--tolerance", v['t'], DURATION_MAX);
	opt->settle = seconds_option("--settle", v['S'], TEN_YEARS);
	opt->backfill = seconds_option("--backfill", v['B'], TEN_YEARS);
	opt->min_hole = seconds_option("--min-hole", v['M'], TEN_YEARS);
	opt->max_age =
	    given['A'] ? seconds_option("--max-age", v['A'], TEN_YEARS) : -1;
	opt->metrics_hours =
	    number_option("--metrics-hours", v['H'], 0, 100000000);
	opt->jobs = (unsigned)number_option("--jobs", v['j'], 1, JOBS_MAX);
	opt->all_hours = given['a'];
	opt->check = given['c'];
	opt->sizes = given['s'];
	opt->verbose = given['v'];
	opt->make_map = !given['n'];
	opt->make_page = given['P'];
	opt->map_asked = given['O'] || opt->make_page;
	colour =
	    word_option("--color", v['C'], colours, "always, never or auto");
	opt->colour = colour == 1 ||
	    (colour == 2 && opt->report == NULL && isatty(STDOUT_FILENO) &&
		(no == NULL || *no == '\0') && term != NULL && *term != '\0' &&
		strcmp(term, "dumb") != 0);
	opt->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/*
 * Rejects options that do not go together.
 */
static void
options_check(struct options *opt, const char *const *v, const bool *given)
{
	const char *ending;
	char *slash;
	size_t i;

	if (opt->window.start >= opt->window.end)
		usage("--first-hour '%s' is after --last-hour '%s': give the "
		      "earlier one first",
		    v['F'], v['L']);
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
	if (!opt->check && (given['B'] || given['M'] || given['A']))
		usage("%s goes with --check: add it",
		    given['B']       ? "--backfill"
			: given['M'] ? "--min-hole"
				     : "--max-age");
	if (opt->report != NULL && opt->format == FORMAT_NONE)
		usage("--report '%s' with --format none: give text, json or "
		      "holes",
		    opt->report);
	if (opt->report != NULL && opt->format == FORMAT_TEXT &&
	    (ending = strrchr(opt->report, '.')) != NULL &&
	    strcmp(ending, ".json") == 0)
		line_print(compose("--report '%s': this will be text; add "
				   "-f json",
			       opt->report),
		    false);
	if (opt->format == FORMAT_NONE && !opt->make_map && !opt->make_page &&
	    !opt->check && opt->metrics == NULL)
		usage("nothing to write: add --report, --metrics or --check");
	if (opt->channelsz == 0 && opt->peersz == 0)
		usage("no channel given: give the name of a directory in '%s'; "
		      "see --help",
		    opt->base_dir);
}

static void
options_parse(struct options *opt, int argc, char *argv[])
{
	/* by letter, like `given`; these are the defaults */
	const char *values[128] = {['b'] = ".",
	    ['f'] = "text",
	    ['t'] = "0.01",
	    ['j'] = "16",
	    ['B'] = "900",
	    ['C'] = "auto",
	    ['H'] = "168",
	    ['I'] = "here",
	    ['M'] = "0",
	    ['O'] = "coverage-maps",
	    ['S'] = "60"};
	bool given[128] = {false};
	int c;

	memset(opt, 0, sizeof(*opt));
	opterr = 0;
	while ((c = getopt_long(
		    argc, argv, short_options, long_options, NULL)) != -1) {
		option_take(opt, c, argv);
		values[abs(c)] = optarg;
		given[abs(c)] = true;
	}
	opt->channels = argv + optind;
	opt->channelsz = (size_t)(argc - optind);
	if (opt->qualities.n == 0)
		qualities_option(opt, "source");
	options_read(opt, values, given);
	options_check(opt, values, given);
	if (opt->check)
		opt->make_map = opt->make_page = false;
	opt->summary = opt->check && !given['f'];
	if (opt->summary && opt->report == NULL)
		opt->format = FORMAT_NONE;
}

/*
 * Accounting: one timeline through all hours of a quality
 */

/*
 * Adds holes if the next segment starts here.
 */
static void
holes_find(struct walk *w, int64_t start)
{
	struct coverage *coverages[] = {&w->report->raw, &w->report->editable};
	int64_t ends[] = {w->raw_end, w->editable_end};
	struct span hole;
	int i;

	if (start <= w->editable_end + w->opt->tolerance)
		return; /* the raw end is no earlier */
	for (i = 0; i < 2; i++) {
		hole = (struct span){ends[i], start};
		if (start <= ends[i] + w->opt->tolerance ||
		    !span_cut(&hole, w->opt->window.start, w->opt->window.end))
			continue;
		spans_add(&coverages[i]->holes, hole.start, hole.end);
		coverages[i]->hole_duration += hole.end - hole.start;
	}
}

/*
 * Accounts for one best segment. It is editable if it starts no earlier than
 * the editable end; unlike in the Python, segments that are not editable
 * themselves do not matter.
 */
static void
segment_account(struct walk *w, struct hour *hour, const struct segment *seg)
{
	int64_t start = hour->time + seg->offset, end = start + seg->duration;
	bool editable = start >= w->editable_end - w->opt->tolerance;
	struct tally *overlaps = &hour->counts.overlaps[seg->type];
	int64_t covered;

	if (start < w->raw_end - w->opt->tolerance) {
		overlaps->count++;
		overlaps->duration +=
		    (end < w->raw_end ? end : w->raw_end) - start;
	}
	holes_find(w, start);
	covered = end - (start > w->raw_end ? start : w->raw_end);
	if (covered > 0)
		hour->raw += covered;
	if (end > w->raw_end)
		w->raw_end = end;
	if (editable) {
		hour->editable += end - start;
		if (end > w->editable_end)
			w->editable_end = end;
	}
	if (seg->type != SEGMENT_FULL && end > start)
		spans_cover(&w->report->incomplete, start, end);
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
 * Accounts for an hour. Those skipped since the last one that has segments
 * are missing. The timeline begins with its first hour, or when it was
 * expected to. An unreadable hour is like one segment as long as the hour, so
 * that its time is no hole, but without coverage.
 */
static void
hour_account(struct walk *w, struct reading *r)
{
	const struct options *opt = w->opt;
	struct report *report = w->report;
	struct hour *hour = &r->hour;
	struct span missing = {w->last_hour + HOUR, hour->time};
	struct span span = {hour->start, hour->end};
	size_t i;

	if (!hour->readable)
		span = (struct span){hour->time, hour->time + HOUR};
	else if (r->bestsz == 0)
		return;
	if (w->last_hour != TIME_NONE) {
		if (span_cut(&missing, opt->window.start, opt->window.end))
			spans_add(&report->missing, missing.start, missing.end);
	} else if (opt->expect != TIME_NONE && opt->expect < span.start &&
	    opt->expect >= opt->window.start)
		w->raw_end = w->editable_end = opt->expect;
	else
		w->raw_end = w->editable_end = span.start;
	w->last_hour = hour->time;
	for (i = 0; i < r->bestsz; i++)
		segment_account(w, hour, &r->best[i]);
	span_extend(&report->extent, span.start, span.end);
	if (hour->readable) {
		span_extend(&report->stream, span.start, span.end);
		return;
	}
	holes_find(w, span.start);
	if (w->raw_end < span.end)
		w->raw_end = span.end;
	if (w->editable_end < span.end)
		w->editable_end = span.end;
	if (span_cut(&span, opt->window.start, opt->window.end))
		spans_cover(&report->unreadable, span.start, span.end);
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

/*
 * Adds an hour of the window, with what it owns.
 */
static void
report_add(struct report *report, struct hour *hour)
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
	report->raw.covered += hour->raw;
	report->editable.covered += hour->editable;
	if (report->start == TIME_NONE)
		report->start = hour->start;
	if (hour->end > report->end)
		report->end = hour->end;
	report->hours[report->hoursz++] = *hour;
	hour->bad_names = (struct names){.n = 0};
}

static void
report_free(struct report *report)
{
	while (report->hoursz > 0)
		names_free(&report->hours[--report->hoursz].bad_names);
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
 * Says with -v that an entry is not an hour directory.
 */
static void
stray_say(const struct walk *walk, const char *name)
{
	if (name[0] != '.')
		say(walk->run, VERBOSE, compose("%s/%s", walk->dir, name),
		    "stray: not an hour directory");
}

/*
 * Lists the hours of a quality in order. Returns -1 with errno.
 */
static int
hours_list(struct walk *walk)
{
	const struct span *window = &walk->opt->window;
	struct names dirs = {.n = 0}, strays = {.n = 0};
	int ret = directory_list(walk->dirfd, &dirs, &strays);
	int64_t time;
	size_t i;

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
	if (r->error == ENOTDIR)
		stray_say(walk, name);
	return r->error == ENOENT &&
	    fstatat(walk->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * Reports an hour that could not be read, or a file in it; with -v, its bad
 * names.
 */
static void
reading_say(const struct walk *walk, const struct reading *r)
{
	const struct hour *hour = &r->hour;
	struct run *run = walk->run;
	char name[TIME_SIZE];
	size_t i;

	if (r->error == ENOMEM)
		(void)need(NULL);
	if (r->error == 0 && r->failed_errno == 0 && !run->opt->verbose)
		return;
	hour_format(name, hour->time);
	if (r->error != 0)
		say(run, UNREAD, compose("%s/%s", walk->dir, name), "%s",
		    strerror(r->error));
	else if (r->failed_errno != 0)
		say(run, UNREAD,
		    compose(
			"%s/%s/%s", walk->dir, name, (char *)need(r->failed)),
		    "%s", strerror(r->failed_errno));
	if (!walk->reported)
		return;
	for (i = 0; i < hour->bad_names.n; i++)
		say(run, VERBOSE,
		    compose("%s/%s/%s", walk->dir, name, hour->bad_names.v[i]),
		    "bad: not a segment's name, not a regular file, or empty");
	if (hour->counts.bad > i)
		say(run, VERBOSE, compose("%s/%s", walk->dir, name),
		    "%zu more bad names, which are not listed",
		    hour->counts.bad - i);
}

/*
 * Frees what a reading owns, but for `best`, which hour_read() frees.
 */
static void
reading_drop(struct reading *r)
{
	names_free(&r->hour.bad_names);
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

	if (walk->holding && reading_exists(walk, r)) {
		reading_say(walk, r);
		hour_account(walk, r);
		if (walk->opt->format != FORMAT_JSON)
			names_free(&r->hour.bad_names);
		if (walk->reported)
			report_add(walk->report, &r->hour);
	}
	reading_drop(r);
}

/*
 * Whether accounting for the hour held back and for r finds a hole that ends
 * in r.
 */
static bool
hole_foreseen(const struct walk *walk, const struct reading *r)
{
	struct walk foreseen = *walk;
	struct report report = {.state = STATE_READ};
	struct reading next = *r;
	size_t holes;
	bool found;

	foreseen.report = &report;
	if (walk->holding)
		hour_account(&foreseen, &foreseen.held);
	holes = report.editable.holes.n; /* where a raw one is, so is one */
	hour_account(&foreseen, &next);
	found = report.editable.holes.n > holes;
	report_free(&report);
	return found;
}

/*
 * Holds back an hour until the next one is known, and accounts for the one
 * before it.
 *
 * Lists both once more, if a hole is to be said that ends in r and one of them
 * changed lately: a listing misses what is renamed meanwhile, and the hour
 * before may have been finished since it was read.
 */
static void
hour_take(struct walk *walk, struct reading *r, bool reported)
{
	int64_t recent = clock_read(CLOCK_REALTIME) - RECENT, until = INT64_MAX;
	struct reading *held = &walk->held, used;
	struct run *run = walk->run;

	if (!reading_exists(walk, r)) {
		reading_drop(r);
		return;
	}
	if ((r->changed >= recent ||
		(walk->holding && held->changed >= recent)) &&
	    hole_foreseen(walk, r)) {
		if (walk->holding) {
			reading_drop(held);
			hour_read(run->opt, walk->dirfd, held->hour.time, until,
			    held);
		}
		if (r->bestsz > 0)
			until = r->hour.time + r->best[r->bestsz - 1].offset;
		reading_drop(r);
		hour_read(run->opt, walk->dirfd, r->hour.time, until, r);
	}
	held_account(walk);
	used = *held;
	*held = *r;
	*r = used;
	walk->holding = true;
	walk->reported = reported;
	run->segments += reported ? held->bestsz : 0;
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
		hour_read(run->opt, walk->dirfd, walk->times[i], TIME_NONE, &r);
		found = (r.bestsz > 0 || !r.hour.readable) &&
		    reading_exists(walk, &r);
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
	struct run *run = walk->run;
	struct report *report = walk->report;
	struct reading newest = {.best = NULL}, *r;
	size_t end = walk->end, first = walk->first, i;
	struct pool *pool;

	report->hours = need(calloc(end - first + 1, sizeof(*report->hours)));
	pool = pool_start(
	    walk->opt, walk->dirfd, walk->times + first, end - first);
	neighbour_take(walk, first - 1, -1);
	for (i = first; (r = pool_next(pool)) != NULL; i++) {
		hour_take(walk, r, true);
		if (clock_read(CLOCK_MONOTONIC) >= run->progress_at)
			progress_show(run,
			    compose("%s/%s: %zu of %zu hours, %zu segments",
				report->channel, report->quality, i - first + 1,
				end - first, run->segments));
	}
	neighbour_take(walk, end, 1);
	held_account(walk);
	for (i = walk->n; i-- > end && newest.bestsz == 0;
	     reading_drop(&newest))
		hour_read(
		    walk->opt, walk->dirfd, walk->times[i], TIME_NONE, &newest);
	report->newest = report->stream.end;
	if (newest.bestsz > 0 && report->newest < newest.hour.end)
		report->newest = newest.hour.end;
	free(newest.best);
	free(walk->held.best);
}

/*
 * Says that a path, which it frees, is absent, and what there is instead.
 */
static void
absence_say(struct run *run, enum weight weight, char *path, const char *what,
    const struct names *names)
{
	char *message;
	size_t i, n = 0, size;
	FILE *fp = need(open_memstream(&message, &size));

	fputs(what, fp);
	for (i = 0; i < names->n && n < NAMES_SAID; i++)
		if (strcmp(names->v[i], run->opt->output_dir) != 0)
			fprintf(fp, "%s%s", n++ == 0 ? "; there are: " : ", ",
			    names->v[i]);
	if (i < names->n)
		fprintf(fp, " and %zu more", names->n - i);
	if (fclose(fp) != 0)
		(void)need(NULL);
	say(run, weight, path, "%s", message);
	free(message);
}

/*
 * Reports a quality that does not exist. It may not have begun, but if the
 * channel has others its name is more likely wrong.
 */
static void
quality_absent(struct run *run, const struct report *report, char *dir)
{
	const struct names *siblings = report->siblings;
	const char *base_dir = run->opt->base_dir;
	enum weight weight =
	    siblings->n > 0 && !run->opt->check ? TROUBLE : VERBOSE;
	size_t i = 0;
	int64_t time;

	while (i < siblings->n && hour_parse(siblings->v[i], &time) != 0)
		i++;
	if (i == siblings->n)
		absence_say(run, weight, dir, "no such quality", siblings);
	else
		say(run, weight, dir,
		    "no such quality; '%s' is itself a quality, and '%s' its "
		    "channel: use -b %s/..",
		    report->channel, base_dir, base_dir);
}

/*
 * Surveys one quality. A link that leads nowhere is trouble, not absence: its
 * disk may be away.
 */
static void
quality_survey(struct run *run, struct report *report, int channel)
{
	char *dir = compose(
	    "%s/%s/%s", run->opt->base_dir, report->channel, report->quality);
	struct walk walk = {.run = run,
	    .opt = run->opt,
	    .report = report,
	    .dir = dir,
	    .last_hour = TIME_NONE};
	struct stat st;

	walk.dirfd = directory_open(channel, report->quality, O_RDONLY);
	if (walk.dirfd != -1 && hours_list(&walk) == 0) {
		report->state = STATE_READ;
		if (walk.n > 0)
			hours_account(&walk);
		free(dir);
	} else if (walk.dirfd == -1 && errno == ENOENT &&
	    fstatat(channel, report->quality, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		report->state = STATE_ABSENT;
		quality_absent(run, report, dir);
	} else {
		report->state = STATE_UNREADABLE;
		say(run, UNREAD, dir, "%s", strerror(errno));
	}
	free(walk.times);
	if (walk.dirfd != -1)
		(void)close(walk.dirfd);
}

/*
 * Reports a channel that cannot be opened, with errno, and what there is
 * instead.
 */
static void
channel_missing(struct run *run, const char *channel)
{
	const char *base_dir = run->opt->base_dir;
	struct names *dirs = &run->base_dirs, *rest = &run->base_rest;
	struct stat st;
	int error = errno;
	char *path = compose("%s/%s", base_dir, channel);

	if (dirs->n + rest->n == 0)
		(void)directory_list(run->base, dirs, rest);
	if (error != ENOENT && error != ENOTDIR)
		say(run, UNREAD, path, "%s", strerror(error));
	else if (dirs->n + rest->n == 0) {
		free(path);
		say(run, UNREAD, need(strdup(base_dir)),
		    "is empty: is it mounted?");
	} else if (fstatat(run->base, run->opt->qualities.v[0], &st, 0) == 0 &&
	    S_ISDIR(st.st_mode))
		say(run, UNREAD, path,
		    "no such channel; '%s' is a channel: use -b %s/..",
		    base_dir, base_dir);
	else
		absence_say(run, UNREAD, path,
		    error == ENOENT ? "no such channel" : "not a directory",
		    dirs);
}

static void
survey_make(struct run *run)
{
	const struct options *opt = run->opt;
	const struct span none = {TIME_NONE, TIME_NONE};
	struct survey *survey = &run->survey;
	struct report *report;
	int error, fd;
	size_t i, j;

	survey->complete = true;
	survey->reportsz = opt->channelsz * opt->qualities.n;
	survey->reports =
	    need(calloc(survey->reportsz + 1, sizeof(*survey->reports)));
	survey->siblings =
	    need(calloc(opt->channelsz + 1, sizeof(*survey->siblings)));
	run->base = directory_open(AT_FDCWD, opt->base_dir, O_PATH);
	error = errno;
	if (run->base == -1 && opt->channelsz > 0)
		say(run, UNREAD, need(strdup(opt->base_dir)),
		    "%s; give the archive with --base-dir",
		    error == ENOENT ? "no such base directory"
				    : strerror(error));
	report = survey->reports;
	for (i = 0; i < opt->channelsz; i++) {
		fd = run->base == -1
		    ? -1
		    : directory_open(run->base, opt->channels[i], O_PATH);
		if (fd != -1)
			(void)directory_list(fd, &survey->siblings[i], NULL);
		else if (run->base != -1)
			channel_missing(run, opt->channels[i]);
		for (j = 0; j < opt->qualities.n; j++, report++) {
			report->channel = opt->channels[i];
			report->quality = opt->qualities.v[j];
			report->siblings = &survey->siblings[i];
			report->start = report->end = TIME_NONE;
			report->newest = TIME_NONE;
			report->stream = report->extent = none;
			if (fd != -1)
				quality_survey(run, report, fd);
		}
		if (fd != -1)
			(void)close(fd);
	}
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
 * Opens the output directory below the base directory, and makes it, readable
 * by the web server whatever the umask. Does not follow a link that somebody
 * puts in the place of a directory just made. Returns -1 with errno.
 */
static int
output_dir_make(const struct options *opt)
{
	char *path = need(strdup(opt->output_dir)), *name, *rest = path;
	mode_t mask = umask(0);
	int error, fd, next;

	fd = directory_open(
	    AT_FDCWD, path[0] == '/' ? "/" : opt->base_dir, O_PATH);
	while (fd != -1 && (name = strsep(&rest, "/")) != NULL) {
		if (*name == '\0')
			continue;
		error = mkdirat(fd, name, 0755) == 0 ? 0 : errno;
		next = directory_open(
		    fd, name, error == 0 ? O_PATH | O_NOFOLLOW : O_PATH);
		if (next == -1 && error != 0 && error != EEXIST)
			errno = error;
		(void)close(fd);
		fd = next;
	}
	(void)umask(mask);
	free(path);
	return fd;
}

/*
 * Replaces the file at path, of which `make` makes the directory. Returns
 * NULL, or with errno what failed.
 */
static const char *
output_replace(
    struct run *run, const char *path, bool make, const struct bytes *bytes)
{
	const char *fault, *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char *dir = need(strndup(path, (size_t)(name - path)));
	int error, fd;

	fd = make ? output_dir_make(run->opt)
		  : directory_open(AT_FDCWD, *dir == '\0' ? "." : dir, O_PATH);
	free(dir);
	if (fd == -1 && errno == ENOENT && !make)
		return "its directory does not exist: make it";
	if (fd == -1)
		return strerror(errno);
	fault = target_fault(run, fd, name);
	if (fault == NULL && file_replace(fd, name, bytes->v, bytes->n) != 0)
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
 * Writes an output by an emitter to path, which it frees, or to stdout if that
 * is NULL. What fails is reported; other outputs go on. Returns whether it was
 * written. There may be no map to write. A map that nobody asked for and that
 * may not be written is only a note: people look at archives with accounts of
 * their own.
 */
static bool
output_write(
    struct run *run, char *path, EMITTER((*emit)), const struct report *report)
{
	const cookie_io_functions_t functions = {.write = bytes_append};
	const struct options *opt = run->opt;
	const char *fault = NULL, *to = path != NULL ? path : "stdout";
	struct bytes bytes = {NULL, 0, 0};
	FILE *fp = need(fopencookie(&bytes, "w", functions));
	int error = 0;

	errno = 0;
	if (emit(fp, opt, &run->survey, report) != 0)
		error = errno == ENODATA || errno == EFBIG ? errno : ENOMEM;
	if (fclose(fp) != 0 || error == ENOMEM)
		(void)need(NULL);
	if (error == 0 && path != NULL)
		fault = output_replace(run, path, report != NULL, &bytes);
	else if (error == 0 &&
	    (write_all(STDOUT_FILENO, bytes.v, bytes.n) != 0 ||
		close(STDOUT_FILENO) != 0))
		fault = strerror(errno);
	if (error == EFBIG)
		say(run, TROUBLE, need(strdup(to)),
		    "a map of more than %d hours is too wide: narrow it with "
		    "--first-hour and --last-hour",
		    MAP_HOURS_MAX);
	else if (fault != NULL &&
	    (report == NULL || opt->map_asked ||
		(errno != EACCES && errno != EPERM && errno != EROFS)))
		say(run, TROUBLE, need(strdup(to)), "%s", fault);
	else if (fault != NULL && !run->map_denied) {
		names_add(&run->survey.notes,
		    compose("no map: %s; -n to only look", fault));
		run->map_denied = true;
	} else if (error == 0 && fault == NULL && path != NULL)
		say(run, VERBOSE, need(strdup(path)), "written");
	free(path);
	free(bytes.v);
	return error == 0 && fault == NULL;
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
 * Finds out which nodes' maps the pages show. Returns false if the database
 * did not say.
 */
static bool
nodes_find(struct run *run)
{
	const struct options *opt = run->opt;
	struct survey *survey = &run->survey;
	char message[512];
	size_t i;

	survey->nodes = opt->nodes;
	survey->nodesz = opt->nodesz;
	if (opt->nodesz > 0)
		return true;
	if (run->progress_at != INT64_MAX)
		progress_show(run,
		    compose("asking the database for the nodes (10 s at "
			    "most)"));
	if (nodes_fetch(opt->dsn, &survey->nodes, &survey->nodesz, message,
		sizeof(message)) != 0) {
		say(run, TROUBLE, need(strdup("database")), "%s", message);
		return false;
	}
	progress_wipe(run);
	for (i = 0; i < survey->nodesz; i++)
		if (survey->nodes[i].fault != NULL)
			say(run, TROUBLE,
			    compose("node '%s'", survey->nodes[i].name), "%s",
			    survey->nodes[i].fault);
	return true;
}

/*
 * Writes maps, their twins for peers, and pages. Notes in the report which
 * maps were written.
 */
static void
maps_write(struct run *run)
{
	const struct options *opt = run->opt;
	const struct report *map = NULL, *r = run->survey.reports;
	bool pages = opt->make_page && (run->base != -1 || opt->peersz > 0) &&
	    nodes_find(run);
	size_t i, maps = 0;
	int64_t hours;
	char *what;

	for (i = 0; i < run->survey.reportsz; i++, r++) {
		if (opt->make_map &&
		    output_write(
			run, output_path(opt, r, "png"), render_map, r)) {
			(void)output_write(
			    run, output_path(opt, r, "json"), report_json, r);
			map = r;
			maps++;
		}
		if (pages && (r->state != STATE_UNKNOWN || opt->peersz > 0))
			(void)output_write(
			    run, output_path(opt, r, "html"), render_page, r);
	}
	if (maps == 0)
		return;
	what = maps == 1 ? output_path(opt, map, "png")
			 : compose("%zu in %s", maps, opt->output_dir);
	hours = map_hours(opt, map);
	names_add(&run->survey.notes,
	    compose("map%s: %s, %lld hour%s; -n to only look",
		maps == 1 ? "" : "s", what, (long long)hours,
		hours == 1 ? "" : "s"));
	free(what);
}

/*
 * Peers and known losses: files that the options name
 */

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
	size_t i, number, size;
	char *line, *text = file_read(file, FILE_MAX, &size), *rest = text;

	if (text == NULL)
		say(run, TROUBLE, need(strdup(file)), "%s", strerror(errno));
	for (number = 1; (line = strsep(&rest, "\n")) != NULL; number++)
		if (!known_line(survey, line))
			say(run, TROUBLE, compose("%s:%zu", file, number),
			    "give channel, quality, start and end, as -f holes "
			    "prints them");
	for (i = 0; i < survey->reportsz; i++)
		spans_sort(&survey->reports[i].known);
	free(text);
}

/*
 * Compares with the peers' reports and the known losses. A report that cannot
 * be used is reported, and its node is unknown.
 */
static void
survey_compare(struct run *run)
{
	struct survey *survey = &run->survey;
	struct peer *peer;
	size_t i, size;
	char *text;

	survey->peers = run->opt->peers;
	survey->peersz = run->opt->peersz;
	for (i = 0; i < survey->peersz; i++) {
		peer = &survey->peers[i];
		peer->generated_at = TIME_NONE;
		if ((text = file_read(peer->file, FILE_MAX, &size)) == NULL)
			peer->message = need(strdup(strerror(errno)));
		else
			peer_parse(survey->peers, i, text, size);
		free(text);
		if (peer->message != NULL)
			say(run, TROUBLE,
			    compose("%s=%s", peer->name, peer->file), "%s",
			    peer->message);
	}
	if (survey->peersz > 0)
		fleet_make(run->opt, survey);
	if (run->opt->known_file != NULL)
		known_read(run);
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

static void
run_free(struct run *run, struct options *opt)
{
	struct survey *survey = &run->survey;
	size_t i;

	for (i = 0; i < survey->reportsz; i++)
		report_free(&survey->reports[i]);
	free(survey->reports);
	for (i = 0; i < opt->channelsz; i++)
		names_free(&survey->siblings[i]);
	free(survey->siblings);
	for (i = 0; i < survey->errorsz; i++) {
		free(survey->errors[i].path);
		free(survey->errors[i].message);
	}
	free(survey->errors);
	names_free(&survey->notes);
	if (survey->nodes != opt->nodes)
		nodes_free(survey->nodes, survey->nodesz);
	names_free(&run->base_dirs);
	names_free(&run->base_rest);
	names_free(&run->targets);
	if (run->base != -1)
		(void)close(run->base);
	names_free(&opt->qualities);
	nodes_free(opt->nodes, opt->nodesz);
	peers_free(opt->peers, opt->peersz);
	free(opt->dsn);
}

int
main(int argc, char *argv[])
{
	static EMITTER((*const emitters[])) = {[FORMAT_TEXT] = report_text,
	    [FORMAT_JSON] = report_json,
	    [FORMAT_HOLES] = report_holes};
	int64_t started = clock_read(CLOCK_MONOTONIC);
	struct options opt;
	struct run run = {.opt = &opt, .progress_at = INT64_MAX};
	bool found = false;

	process_set();
	options_parse(&opt, argc, argv);
	if (isatty(STDERR_FILENO))
		run.progress_at = started + PROGRESS_AFTER;
	survey_make(&run);
	survey_compare(&run);
	maps_write(&run);
	run.survey.elapsed = clock_read(CLOCK_MONOTONIC) - started;
	if (opt.metrics != NULL)
		(void)output_write(
		    &run, need(strdup(opt.metrics)), report_metrics, NULL);
	/* the report also says what went wrong so far */
	if (opt.format != FORMAT_NONE)
		(void)output_write(&run,
		    opt.report == NULL ? NULL : need(strdup(opt.report)),
		    emitters[opt.format], NULL);
	if (opt.check)
		found = report_check(stderr, &opt, &run.survey, false) > 0;
	if (opt.summary)
		(void)output_write(&run, NULL, report_summary, NULL);
	run_free(&run, &opt);
	return run.survey.errorsz > 0 ? EXIT_TROUBLE
	    : found                   ? EXIT_FOUND
				      : EXIT_SUCCESS;
}
