/*
 * segment-coverage: options, the walk over channels, qualities and hours,
 * the choice of the best segment, the accounting of holes and overlaps,
 * every output file and the exit status.
 *
 * Hours are read at the same time by several threads and accounted for in
 * order by the one that runs main(); of an hour that is done only its
 * results stay.
 *
 * In this order: what all parts use, messages, options, one hour and its best
 * segments, the pool of hours read ahead, the accounting, the walk, outputs,
 * --check, the run.
 */
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <langinfo.h>
#include <libgen.h>
#include <limits.h>
#include <locale.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "segparse.h"

#define EXIT_FOUND     1 /* --check found something */
#define JOBS_PER_CPU   4 /* by default */
#define JOBS_MIN       16 /* by default; hours wait for the disk */
#define JOBS_MAX       256
#define RING_PER_JOB   2 /* hours read ahead of the accounting */
#define WAITS_MANY     3 /* without the disk there are single ones */
#define NAMES_SAID     10 /* channels that an error line names */
#define PROGRESS_AFTER SECOND /* us before progress is shown */
#define PROGRESS_EVERY (SECOND / 5)
#define OUTPUT_BUFFER  65536
#define MEMORY_KEPT    (4 << 20) /* bytes */
#define TEMPORARY      ".segment-coverage.tmp."
#define TIME_FIRST     (INT64_C(-62135596800) * SECOND) /* of the year 1 */
#define OPTION_SECONDS (INT64_C(315360000) * SECOND) /* ten years */

/*
 * One hour directory as it was read, on its way to the accounting.
 */
struct reading {
	struct hour hour;
	struct segment *best; /* owned; by start, one a start */
	size_t bestsz;
	size_t bestcap;
	char *failed; /* owned; a name stat failed on, or NULL */
	int failed_errno;
	int error; /* errno where the hour could not be read */
	bool done;
};

/*
 * An hour that a quality's directory lists.
 */
struct entry {
	int64_t time;
	bool link; /* it is, or may be, a symbolic link */
};

/*
 * Hours in order, read by helpers and by the thread that wants them. The
 * last is read first, and the one before it only then: of a stream that goes
 * on, what the last shows has all that came before it, or a segment that
 * ended the hour before while the last was read would look like a hole.
 */
struct pool {
	pthread_t *threads; /* owned */
	size_t threadsz;
	pthread_mutex_t lock; /* guards threadsz and all below
				   but what is constant */
	pthread_cond_t work; /* there may be an hour to claim */
	pthread_cond_t done; /* a reading is done */
	const struct options *opt;
	const char *dir; /* the quality's */
	const struct entry *entries;
	size_t entriesz;
	size_t claimed; /* entries given out for reading */
	size_t taken; /* entries accounted for */
	long waited; /* how often, since a reading without any wait */
	struct reading *ring; /* owned; entry i is in i % ringsz */
	size_t ringsz;
	struct reading last; /* of the last entry */
	bool last_read;
	bool stop;
	struct listing listing; /* of the thread that runs main() */
};

struct timeline {
	struct report *report;
	struct span window; /* INT64_MIN, INT64_MAX where it is open */
	int64_t tolerance;
	int64_t raw_end; /* furthest end; TIME_NONE before the first */
	int64_t editable_end;
	int64_t last_hour; /* the last with a best segment, TIME_NONE */
	struct span joined; /* the incomplete span that still grows */
	size_t raw_cap;
	size_t editable_cap;
	size_t incomplete_cap;
	size_t exact_cap;
	size_t missing_cap;
	size_t hours_cap;
};

struct run {
	const struct options *opt;
	struct survey survey;
	struct pool pool;
	size_t errorcap;
	int64_t started; /* us of the monotonic clock */
	int64_t progress_at; /* likewise; when it is next shown */
	bool progress; /* stderr is a terminal */
	bool progress_shown;
	size_t segments; /* names seen, for the progress line */
	struct node *nodes; /* owned unless they are the options' */
	size_t nodesz;
	bool base_found;
	bool found; /* --check found something */
	bool abandoned; /* a thread is left in libpq */
};

/*
 * A file that is written in full before it takes its name.
 */
struct output {
	char *dir; /* owned */
	char *base; /* owned */
	char *named; /* owned; path of the temporary file, or NULL
				   while it has no name */
	int dirfd;
	int fd; /* its lock says that its writer lives */
	FILE *fp;
};

/* The named temporary file that a signal or exit() has to remove. */
static char *volatile doomed;

/*
 * What all parts use
 */

static void *
need(void *allocated)
{
	if (allocated == NULL)
		errx(EXIT_TROUBLE, "out of memory");
	return allocated;
}

static char *__attribute__((format(printf, 1, 0)))
vformat(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) == -1)
		need(NULL);
	return s;
}

static char *__attribute__((format(printf, 1, 2))) format(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = vformat(fmt, ap);
	va_end(ap);
	return s;
}

static int64_t
clock_read(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec / 1000;
}

/*
 * Holds the signals back while a temporary file has a name that nobody
 * knows yet.
 */
static void
signals_hold(sigset_t *before)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, before);
}

static void
signals_release(const sigset_t *before)
{
	(void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

/*
 * Messages
 */

/*
 * How many columns a line may fill without a break, up to 79.
 */
static int
progress_width(void)
{
	struct winsize terminal;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &terminal) == 0 &&
		terminal.ws_col > 0 && terminal.ws_col < 80
	    ? terminal.ws_col - 1
	    : 79;
}

static void
progress_put(struct run *run, const char *line)
{
	int width = progress_width();

	(void)fprintf(stderr, "\r%-*.*s", width, width, line);
	run->progress_shown = true;
}

static void
progress_wipe(struct run *run)
{
	if (run->progress_shown)
		(void)fprintf(stderr, "\r%*s\r", progress_width(), "");
	run->progress_shown = false;
}

/*
 * Shows how far the run has come, where that is due: it takes a second
 * before there is anything to wait for.
 */
static void
progress_show(struct run *run, const struct report *report, size_t hours)
{
	int64_t now;
	char *line, *printable;

	if (!run->progress ||
	    (now = clock_read(CLOCK_MONOTONIC)) < run->progress_at)
		return;
	run->progress_at = now + PROGRESS_EVERY;
	line = format("%s/%s: %zu of %zu hours, %zu segments", report->channel,
	    report->quality, hours, run->pool.entriesz, run->segments);
	printable = need(name_printable(line, false));
	progress_put(run, printable);
	free(printable);
	free(line);
}

/*
 * Says one line on stderr; what a terminal would act on is escaped.
 */
static void
say(struct run *run, const char *subject, const char *message)
{
	char *printable_message, *printable_subject;

	progress_wipe(run);
	printable_subject = need(name_printable(subject, run->opt->utf8));
	printable_message = need(name_printable(message, run->opt->utf8));
	(void)fprintf(stderr, "%s: %s: %s\n", PROGRAM, printable_subject,
	    printable_message);
	free(printable_message);
	free(printable_subject);
}

/*
 * Says what went wrong with path, and keeps it for the report.
 */
static void
trouble(struct run *run, const char *path, const char *message)
{
	struct survey *survey = &run->survey;

	say(run, path, message);
	survey->errors = need(array_room(survey->errors, &run->errorcap,
	    survey->errorsz, sizeof(*survey->errors)));
	survey->errors[survey->errorsz].path = need(strdup(path));
	survey->errors[survey->errorsz].message = need(strdup(message));
	survey->errorsz++;
}

/*
 * Says what could not be read, and why: the report is then not complete.
 */
static void
unread(struct run *run, const char *path, int error)
{
	trouble(run, path, strerror(error));
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
	message = vformat(fmt, ap);
	va_end(ap);
	printable = need(name_printable(message, false));
	(void)fprintf(stderr, "%s: %s\n", PROGRAM, printable);
	free(printable);
	free(message);
	exit(EXIT_TROUBLE);
}

/* Kept to one page, in the manual's words. */
static const char help[] =
    "usage: segment-coverage [options] CHANNEL...\n"
    "\n"
    "What is there and what is missing in BASE/CHANNEL/QUALITY/HOUR/*.ts\n"
    "\n"
    "  -b, --base-dir DIR      the archive (.)\n"
    "  -q, --qualities LIST    the qualities, comma-separated (source)\n"
    "      --first-hour HOUR   report from this hour on (all): 2025-11-15T02,\n"
    "                          a date and time, a date, now, -6h, -2d\n"
    "      --last-hour HOUR    report up to this hour, all of it (all)\n"
    "  -t, --tolerance SECONDS gaps and overlaps up to this are none (0.01)\n"
    "\n"
    "  -f, --format FORMAT     the report: text, json or none (text)\n"
    "  -a, --all-hours         in the text, every hour with all its figures\n"
    "  -r, --report FILE       write the report to FILE instead of stdout\n"
    "  -m, --metrics FILE      write Prometheus metrics to FILE\n"
    "      --metrics-hours N   write the per-hour series of the newest N hour\n"
    "                          directories of each quality (168)\n"
    "\n"
    "      --output-dir DIR    where maps and pages go, relative to the base\n"
    "                          directory (coverage-maps)\n"
    "  -n, --no-map            write no map\n"
    "      --make-page         also write the page of all nodes' maps\n"
    "      --connection-string DSN\n"
    "                          the database that knows the nodes\n"
    "      --node NAME=URL     a node of the page instead; repeatable\n"
    "\n"
    "  -c, --check             look only: no map, no page; exit 1 where a "
    "hole\n"
    "                          is found, a quality has no segment in the\n"
    "                          window, or --max-age has passed\n"
    "      --settle SECONDS    with --check: holes that began less than this\n"
    "                          before now do not count (60)\n"
    "      --max-age SECONDS   with --check: how long ago the newest segment of\n"
    "                          the window may have ended (any time)\n"
    "\n"
    "  -j, --jobs N            how many hours are read at the same time\n"
    "                          (four a processor, 16 at least)\n"
    "      --now TIME          take this as the present (the clock)\n"
    "  -v, --verbose           on stderr: each bad name, stray and missing\n"
    "                          quality, and what was written\n"
    "  -h, --help              print a page of options and exit\n"
    "  -V, --version           print the version and exit\n"
    "\n"
    "Exit status: 0 done; 1 --check found something; 2 trouble.\n"
    "The whole manual: man segment-coverage\n";

enum {
	OPTION_FIRST_HOUR = 256,
	OPTION_LAST_HOUR,
	OPTION_METRICS_HOURS,
	OPTION_OUTPUT_DIR,
	OPTION_MAKE_PAGE,
	OPTION_CONNECTION_STRING,
	OPTION_NODE,
	OPTION_SETTLE,
	OPTION_MAX_AGE,
	OPTION_NOW
};

static const struct option long_options[] = {
    {"base-dir", required_argument, NULL, 'b'},
    {"qualities", required_argument, NULL, 'q'},
    {"first-hour", required_argument, NULL, OPTION_FIRST_HOUR},
    {"last-hour", required_argument, NULL, OPTION_LAST_HOUR},
    {"tolerance", required_argument, NULL, 't'},
    {"format", required_argument, NULL, 'f'},
    {"all-hours", no_argument, NULL, 'a'},
    {"report", required_argument, NULL, 'r'},
    {"metrics", required_argument, NULL, 'm'},
    {"metrics-hours", required_argument, NULL, OPTION_METRICS_HOURS},
    {"output-dir", required_argument, NULL, OPTION_OUTPUT_DIR},
    {"no-map", no_argument, NULL, 'n'},
    {"make-page", no_argument, NULL, OPTION_MAKE_PAGE},
    {"connection-string", required_argument, NULL, OPTION_CONNECTION_STRING},
    {"node", required_argument, NULL, OPTION_NODE},
    {"check", no_argument, NULL, 'c'},
    {"settle", required_argument, NULL, OPTION_SETTLE},
    {"max-age", required_argument, NULL, OPTION_MAX_AGE},
    {"jobs", required_argument, NULL, 'j'},
    {"now", required_argument, NULL, OPTION_NOW},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/*
 * Values that can be judged only when all options are known.
 */
struct later {
	const char *first_hour;
	const char *last_hour;
	const char *settle;
	const char *max_age;
};

static int64_t
seconds_option(const char *option, const char *value, int64_t max)
{
	int64_t us;

	if (seconds_parse(value, strlen(value), max, &us) != 0)
		usage(
		    "%s '%s': give seconds from 0 to %lld, such as 0.01 or 60",
		    option, value, (long long)(max / SECOND));
	return us;
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
	if (strcmp(value, "text") == 0)
		return FORMAT_TEXT;
	if (strcmp(value, "json") == 0)
		return FORMAT_JSON;
	if (strcmp(value, "none") == 0)
		return FORMAT_NONE;
	usage("--format '%s': give text, json or none", value);
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
now_option(const char *value)
{
	int64_t t;
	bool date_only;

	if (time_parse(value, &t, &date_only) != 0)
		usage("--now '%s': give a date and time in UTC, such as "
		      "2025-11-15T02:45:00",
		    value);
	return t;
}

/*
 * Reads `-6h` or `-2d`, of five digits at most. Returns -1 for anything else.
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
 * Returns the hour that value names, cut to its start. A bare date is its
 * first hour, or its last one.
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
 * Takes the nodes of --node. The password that a URL may hold is no secret:
 * the page shows it to everybody.
 */
static void
node_option(struct options *opt, const char *value)
{
	const char *equals = strchr(value, '='), *fault;
	struct node *node;

	if (equals == NULL)
		usage("--node '%s': give NAME=URL", value);
	opt->nodes = need(
	    reallocarray(opt->nodes, opt->nodesz + 1, sizeof(*opt->nodes)));
	node = &opt->nodes[opt->nodesz++];
	node->name = need(strndup(value, (size_t)(equals - value)));
	node->url = need(strdup(equals + 1));
	node->fault = NULL;
	if ((fault = node_fault(node)) != NULL)
		usage("--node '%s': %s; give NAME=URL, such as "
		      "here=https://node.example.org",
		    value, fault);
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
names_free(char **names, size_t n)
{
	while (n > 0)
		free(names[--n]);
	free(names);
}

static void
qualities_option(struct options *opt, const char *value)
{
	const char *end, *s = value;
	size_t len;

	names_free(opt->qualities, opt->qualitiesz);
	opt->qualities = NULL;
	opt->qualitiesz = 0;
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
		opt->qualities = need(reallocarray(opt->qualities,
		    opt->qualitiesz + 1, sizeof(*opt->qualities)));
		opt->qualities[opt->qualitiesz++] = need(strndup(s, len));
		if (*end == '\0')
			break;
	}
}

/*
 * Refuses names that are none of one directory, or that are given twice.
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
 * Refuses channels and qualities of which two would write the same map:
 * `a_b` with `c`, and `a` with `b_c`.
 */
static void
map_names_check(const struct options *opt)
{
	size_t i, j, k, n = opt->qualitiesz, total = opt->channelsz * n;
	char **names = need(calloc(total, sizeof(*names)));

	for (i = 0; i < total; i++)
		names[i] = format(
		    "%s_%s", opt->channels[i / n], opt->qualities[i % n]);
	for (i = 0; i < total; i++)
		for (j = 0; j < i; j++)
			if (strcmp(names[i], names[j]) == 0)
				usage(
				    "channel '%s' with --qualities '%s' would "
				    "share one map with '%s' and '%s': take "
				    "them in two runs, with --output-dir",
				    opt->channels[i / n], opt->qualities[i % n],
				    opt->channels[j / n],
				    opt->qualities[j % n]);
	for (k = 0; k < total; k++)
		free(names[k]);
	free(names);
}

static void
options_check(struct options *opt, const struct later *later)
{
	if (opt->channelsz == 0)
		usage("no channel given: give the name of a directory in '%s'; "
		      "see --help",
		    opt->base_dir);
	names_check("channel", opt->channels, opt->channelsz);
	names_check("--qualities", opt->qualities, opt->qualitiesz);
	map_names_check(opt);
	if (later->first_hour != NULL)
		opt->first_hour = hour_option(
		    "--first-hour", later->first_hour, opt->now, false);
	if (later->last_hour != NULL)
		opt->last_hour = hour_option(
		    "--last-hour", later->last_hour, opt->now, true);
	if (later->first_hour != NULL && later->last_hour != NULL &&
	    opt->first_hour > opt->last_hour)
		usage("--first-hour '%s' is after --last-hour '%s': give the "
		      "earlier one first",
		    later->first_hour, later->last_hour);
	if (!opt->check && later->settle != NULL)
		usage("--settle '%s' goes with --check: add it", later->settle);
	if (!opt->check && later->max_age != NULL)
		usage(
		    "--max-age '%s' goes with --check: add it", later->max_age);
	if (opt->report != NULL && opt->format == FORMAT_NONE)
		usage("--report '%s' with --format none: give text or json",
		    opt->report);
	if (opt->report != NULL && opt->metrics != NULL &&
	    strcmp(opt->report, opt->metrics) == 0)
		usage("--report and --metrics are both '%s': give two files",
		    opt->report);
	if (opt->make_page && opt->output_dir[0] == '/')
		usage("--output-dir '%s' with --make-page: give a directory "
		      "relative to the base directory, as the nodes serve it",
		    opt->output_dir);
}

static unsigned
processors(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
		return 1;
	return (unsigned)CPU_COUNT(&cpus);
}

static unsigned
jobs_default(void)
{
	unsigned jobs = processors() * JOBS_PER_CPU;

	if (jobs < JOBS_MIN)
		return JOBS_MIN;
	return jobs < JOBS_MAX ? jobs : JOBS_MAX;
}

/*
 * Colour is for a terminal whose owner has not said no to it.
 */
static bool
colour_wanted(const struct options *opt)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

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
	opt->format = FORMAT_TEXT;
	opt->now = clock_read(CLOCK_REALTIME);
	opt->first_hour = opt->last_hour = TIME_NONE;
	opt->tolerance = SECOND / 100;
	opt->settle = 60 * SECOND;
	opt->max_age = -1;
	opt->metrics_hours = 168;
	opt->jobs = jobs_default();
	opt->make_map = true;
	opt->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	qualities_option(opt, "source");
}

static void __attribute__((noreturn)) answer(const char *text)
{
	if (fputs(text, stdout) == EOF || fclose(stdout) == EOF)
		err(EXIT_TROUBLE, "stdout");
	exit(EXIT_SUCCESS);
}

static void __attribute__((noreturn)) option_unknown(int c, char *argv[])
{
	const char *given = argv[optind - 1];

	if (c == ':' && strncmp(given, "--", 2) != 0)
		usage("-%c needs a value: see --help", optopt);
	if (c == ':')
		usage("%s needs a value: see --help", given);
	if (optopt != 0 && optopt < 256 && strncmp(given, "--", 2) != 0)
		usage("unknown option '-%c': see --help", optopt);
	if (optopt != 0)
		usage("%.*s takes no value: see --help",
		    (int)strcspn(given, "="), given);
	/* what follows may be a password */
	usage("unknown or ambiguous option '%.*s': see --help",
	    (int)strcspn(given, "="), given);
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
	case 't':
		opt->tolerance =
		    seconds_option("--tolerance", optarg, DURATION_MAX);
		break;
	case 'f':
		opt->format = format_option(optarg);
		break;
	case 'a':
		opt->all_hours = true;
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
	case 'c':
		opt->check = true;
		break;
	case OPTION_SETTLE:
		later->settle = optarg;
		opt->settle =
		    seconds_option("--settle", optarg, OPTION_SECONDS);
		break;
	case OPTION_MAX_AGE:
		later->max_age = optarg;
		opt->max_age =
		    seconds_option("--max-age", optarg, OPTION_SECONDS);
		break;
	case 'j':
		opt->jobs =
		    (unsigned)number_option("--jobs", optarg, 1, JOBS_MAX);
		break;
	case OPTION_NOW:
		opt->now = now_option(optarg);
		break;
	case 'v':
		opt->verbose = true;
		break;
	case 'h':
		answer(help);
	case 'V':
		answer(PROGRAM " " VERSION "\n");
	default:
		option_unknown(c, argv);
	}
}

static void
options_parse(struct options *opt, int argc, char *argv[])
{
	static const char short_options[] = ":b:q:t:f:ar:m:ncj:vhV";
	struct later later = {NULL, NULL, NULL, NULL};
	int c;

	options_default(opt);
	opterr = 0;
	while ((c = getopt_long(
		    argc, argv, short_options, long_options, NULL)) != -1)
		option_take(opt, &later, c, argv);
	opt->channels = argv + optind;
	opt->channelsz = (size_t)(argc - optind);
	options_check(opt, &later);
	if (opt->check)
		opt->make_map = opt->make_page = false;
	opt->colour = colour_wanted(opt);
}

static void
options_free(struct options *opt)
{
	names_free(opt->qualities, opt->qualitiesz);
	nodes_free(opt->nodes, opt->nodesz);
	free(opt->dsn);
}

/*
 * One hour: its directory read, the best segment of each start chosen
 */

static void
tally_add(struct tally *tally, int64_t duration)
{
	tally->count++;
	tally->duration += duration;
}

/*
 * The size of a file that competes with others; 0 where it has gone since,
 * or where stat failed, which the reading then says.
 */
static off_t
segment_size(int fd, const char *name, struct reading *r)
{
	struct stat st;

	if (fstatat(fd, name, &st, 0) == 0)
		return st.st_size;
	if (errno != ENOENT && r->failed == NULL) {
		r->failed_errno = errno;
		r->failed = strdup(name);
	}
	return 0;
}

/*
 * Of the n segments at one start, which are ordered by name, returns the
 * best: the longest full one, or the largest suspect, or the largest partial
 * one, of equals the last. A size is asked for only where two compete.
 */
static const struct segment *
best_choose(int fd, const struct listing *l, const struct segment *segs,
    size_t n, struct reading *r)
{
	const struct segment *best = segs;
	size_t i, rivals = 1;
	off_t largest = 0, size;

	for (i = 1; i < n; i++) {
		if (segs[i].type < best->type) {
			best = &segs[i];
			rivals = 1;
		} else if (segs[i].type == best->type) {
			rivals++;
			if (best->type != SEGMENT_FULL ||
			    segs[i].duration >= best->duration)
				best = &segs[i];
		}
	}
	if (best->type == SEGMENT_FULL || rivals == 1)
		return best;
	for (i = 0; i < n; i++) {
		if (segs[i].type != best->type)
			continue;
		size = segment_size(fd, l->buf + segs[i].name, r);
		if (size >= largest) {
			largest = size;
			best = &segs[i];
		}
	}
	return best;
}

static void
segment_count(struct counts *counts, const struct segment *seg, bool best)
{
	tally_add(&counts->segments[seg->type], seg->duration);
	if (!best)
		tally_add(&counts->overlaps[seg->type], seg->duration);
	else if (seg->type != SEGMENT_FULL)
		tally_add(&counts->incomplete, seg->duration);
}

/*
 * Counts the listed segments, and moves the best of each start to the front
 * of the listing. Returns how many starts there are.
 */
static size_t
segments_choose(int fd, struct listing *l, struct reading *r)
{
	struct counts *counts = &r->hour.counts;
	struct segment best, *segs = l->segs;
	size_t i, next, starts = 0;

	for (i = 0; i < l->segsz; i = next) {
		best = segs[i];
		next = i + 1;
		if (next < l->segsz && segs[next].offset == best.offset) {
			while (
			    next < l->segsz && segs[next].offset == best.offset)
				next++;
			best = *best_choose(fd, l, &segs[i], next - i, r);
			for (; i < next; i++)
				if (segs[i].name != best.name)
					segment_count(counts, &segs[i], false);
		}
		segment_count(counts, &best, true);
		segs[starts++] = best;
	}
	return starts;
}

/*
 * Copies the bad names, which go away with the listing.
 */
static int
bad_names_keep(struct hour *hour, const struct listing *l)
{
	if (l->bad_namesz == 0)
		return 0;
	hour->bad_names = calloc(l->bad_namesz, sizeof(*hour->bad_names));
	if (hour->bad_names == NULL)
		return -1;
	while (hour->bad_namesz < l->bad_namesz) {
		hour->bad_names[hour->bad_namesz] =
		    strdup(l->bad_names[hour->bad_namesz]);
		if (hour->bad_names[hour->bad_namesz] == NULL)
			return -1;
		hour->bad_namesz++;
	}
	return 0;
}

/*
 * Takes what a listing says into a reading. The segments change hands: the
 * listing goes on with the array that the reading had.
 */
static int
reading_fill(int fd, struct listing *l, struct reading *r, bool keep_names)
{
	struct segment *segs;
	size_t cap;

	r->hour.counts.temp = l->temp;
	r->hour.counts.bad = l->bad;
	r->hour.counts.tombstoned = l->tombstoned;
	if (l->failed != NULL) {
		r->failed_errno = l->failed_errno;
		if ((r->failed = strdup(l->failed)) == NULL)
			return -1;
	}
	if (keep_names && bad_names_keep(&r->hour, l) != 0)
		return -1;
	r->bestsz = segments_choose(fd, l, r);
	segs = r->best;
	cap = r->bestcap;
	r->best = l->segs;
	r->bestcap = l->segcap;
	l->segs = segs;
	l->segcap = cap;
	return 0;
}

/*
 * Reads the hour directory `dir/HOUR`. What goes wrong is in r->error; of an
 * hour that could not be read to its end nothing else is kept.
 */
static void
hour_read(const struct options *opt, const char *dir, int64_t time,
    struct listing *l, struct reading *r)
{
	char name[TIME_SIZE], *path;
	int fd = -1;

	memset(&r->hour, 0, sizeof(r->hour));
	r->hour.time = time;
	r->hour.start = r->hour.end = TIME_NONE;
	r->bestsz = 0;
	r->failed = NULL;
	r->error = 0;
	hour_format(name, time);
	if (asprintf(&path, "%s/%s", dir, name) == -1) {
		r->error = ENOMEM;
		return;
	}
	do
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd == -1 && errno == EINTR);
	if (fd == -1 || hour_list(fd, l) != 0 ||
	    reading_fill(
		fd, l, r, opt->verbose || opt->format == FORMAT_JSON) != 0)
		r->error = errno;
	r->hour.readable = r->error == 0;
	if (fd != -1)
		(void)close(fd);
	free(path);
}

/*
 * The pool: hours read at the same time, handed over in order
 */

/*
 * Whether an hour is left that may be read now, and that the ring has room
 * for.
 */
static bool
pool_claimable(const struct pool *pool)
{
	return pool->claimed < pool->entriesz &&
	    pool->claimed < pool->taken + pool->ringsz &&
	    (pool->claimed == 0 || pool->claimed + 1 < pool->entriesz ||
		pool->last_read);
}

/*
 * Where the reading of an entry is.
 */
static struct reading *
pool_reading(struct pool *pool, size_t i)
{
	return i + 1 == pool->entriesz ? &pool->last
				       : &pool->ring[i % pool->ringsz];
}

static void *pool_help(void *);

/*
 * Starts another helper; the lock is held. Where there can be none, those
 * that are there go on. Signals stay those of the thread that runs main().
 */
static void
pool_grow(struct pool *pool)
{
	sigset_t before;

	signals_hold(&before);
	if (pool->threadsz + 1 < pool->opt->jobs &&
	    pthread_create(
		&pool->threads[pool->threadsz], NULL, pool_help, pool) == 0)
		pool->threadsz++;
	signals_release(&before);
}

/*
 * How often this thread has had to wait, for the disk above all.
 */
static long
waits(void)
{
	struct rusage spent;

	return getrusage(RUSAGE_THREAD, &spent) == 0 ? spent.ru_nvcsw : 0;
}

/*
 * Reads the next hour; the lock is held before and after, not meanwhile. If
 * hour after hour has to be waited for, a further helper pays; without that,
 * one thread a processor is all that does.
 */
static void
pool_read(struct pool *pool, struct listing *l)
{
	size_t i = (pool->claimed++ + pool->entriesz - 1) % pool->entriesz;
	struct reading *r = pool_reading(pool, i);
	long waited;

	(void)pthread_mutex_unlock(&pool->lock);
	waited = -waits();
	hour_read(pool->opt, pool->dir, pool->entries[i].time, l, r);
	waited += waits();
	(void)pthread_mutex_lock(&pool->lock);
	r->done = true;
	(void)pthread_cond_signal(&pool->done);
	if (r == &pool->last) {
		pool->last_read = true;
		(void)pthread_cond_signal(&pool->work);
	}
	pool->waited = waited > 0 ? pool->waited + waited : 0;
	if (pool->waited >= WAITS_MANY && pool_claimable(pool))
		pool_grow(pool);
}

static void *
pool_help(void *arg)
{
	struct listing listing = {0};
	struct pool *pool = arg;

	(void)pthread_mutex_lock(&pool->lock);
	while (!pool->stop)
		if (pool_claimable(pool))
			pool_read(pool, &listing);
		else
			(void)pthread_cond_wait(&pool->work, &pool->lock);
	(void)pthread_mutex_unlock(&pool->lock);
	listing_free(&listing);
	return NULL;
}

/*
 * Makes the pool, with a thread for each processor; the one that waits for
 * the hours reads, too.
 */
static void
pool_start(struct pool *pool, const struct options *opt)
{
	unsigned n = processors();

	pool->opt = opt;
	pool->ringsz = (size_t)opt->jobs * RING_PER_JOB;
	pool->ring = need(calloc(pool->ringsz, sizeof(*pool->ring)));
	pool->threads = need(calloc(opt->jobs, sizeof(*pool->threads)));
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->work, NULL);
	(void)pthread_cond_init(&pool->done, NULL);
	(void)pthread_mutex_lock(&pool->lock);
	while (n-- > 1)
		pool_grow(pool);
	(void)pthread_mutex_unlock(&pool->lock);
}

static void
pool_stop(struct pool *pool)
{
	size_t i;

	(void)pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	(void)pthread_cond_broadcast(&pool->work);
	(void)pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < pool->threadsz; i++)
		(void)pthread_join(pool->threads[i], NULL);
	for (i = 0; i < pool->ringsz; i++)
		free(pool->ring[i].best);
	free(pool->last.best);
	free(pool->ring);
	free(pool->threads);
	listing_free(&pool->listing);
}

/*
 * Sets the hours of `dir` that are wanted next; all before are taken.
 */
static void
pool_set(
    struct pool *pool, const char *dir, const struct entry *entries, size_t n)
{
	(void)pthread_mutex_lock(&pool->lock);
	pool->dir = dir;
	pool->entries = entries;
	pool->entriesz = n;
	pool->claimed = pool->taken = 0;
	pool->last_read = false;
	(void)pthread_cond_broadcast(&pool->work);
	(void)pthread_mutex_unlock(&pool->lock);
}

/*
 * Returns the next hour's reading when it is done, helping meanwhile. It
 * stays the caller's until pool_took().
 */
static struct reading *
pool_next(struct pool *pool)
{
	struct reading *r = pool_reading(pool, pool->taken);

	(void)pthread_mutex_lock(&pool->lock);
	while (!r->done)
		if (pool_claimable(pool))
			pool_read(pool, &pool->listing);
		else
			(void)pthread_cond_wait(&pool->done, &pool->lock);
	(void)pthread_mutex_unlock(&pool->lock);
	return r;
}

static void
pool_took(struct pool *pool)
{
	(void)pthread_mutex_lock(&pool->lock);
	pool_reading(pool, pool->taken++)->done = false;
	(void)pthread_cond_signal(&pool->work);
	(void)pthread_mutex_unlock(&pool->lock);
}

/*
 * The accounting: one timeline through all hours of a quality
 */

static void
span_add(
    struct span **spans, size_t *n, size_t *cap, int64_t start, int64_t end)
{
	*spans = need(array_room(*spans, cap, *n, sizeof(**spans)));
	(*spans)[*n].start = start;
	(*spans)[*n].end = end;
	(*n)++;
}

static void
hole_add(struct timeline *tl, struct coverage *coverage, size_t *cap,
    int64_t start, int64_t end)
{
	struct span hole = {start, end};

	if (!span_cut(&hole, tl->window.start, tl->window.end))
		return;
	if (coverage->holesz == 0)
		coverage->began = start;
	span_add(
	    &coverage->holes, &coverage->holesz, cap, hole.start, hole.end);
	coverage->hole_duration += hole.end - hole.start;
}

static void
joined_end(struct timeline *tl)
{
	struct report *report = tl->report;

	if (span_cut(&tl->joined, tl->window.start, tl->window.end))
		span_add(&report->incomplete, &report->incompletesz,
		    &tl->incomplete_cap, tl->joined.start, tl->joined.end);
}

/*
 * Adds the time of a suspect or partial segment: to the spans that the
 * report shows, where neighbours within the tolerance are one, and to the
 * exact ones of the map.
 */
static void
incomplete_add(struct timeline *tl, int64_t start, int64_t end)
{
	struct report *report = tl->report;
	struct span *last = NULL;

	if (start == end)
		return;
	if (start > tl->joined.end + tl->tolerance) {
		joined_end(tl);
		tl->joined.start = start;
		tl->joined.end = end;
	} else if (end > tl->joined.end)
		tl->joined.end = end;
	if (report->incomplete_exactsz > 0)
		last =
		    &report->incomplete_exact[report->incomplete_exactsz - 1];
	if (last == NULL || start > last->end)
		span_add(&report->incomplete_exact, &report->incomplete_exactsz,
		    &tl->exact_cap, start, end);
	else if (end > last->end)
		last->end = end;
}

static void
timeline_start(
    struct timeline *tl, const struct options *opt, struct report *report)
{
	memset(tl, 0, sizeof(*tl));
	tl->report = report;
	tl->tolerance = opt->tolerance;
	tl->raw_end = tl->editable_end = tl->last_hour = TIME_NONE;
	tl->joined.start = tl->joined.end = TIME_NONE;
	tl->window.start =
	    opt->first_hour == TIME_NONE ? INT64_MIN : opt->first_hour;
	tl->window.end =
	    opt->last_hour == TIME_NONE ? INT64_MAX : opt->last_hour + HOUR;
}

/*
 * Says that the hour has a best segment, the first of them at `start`, or
 * that it is not known whether it has: hours without any between it and the
 * last such one are missing.
 */
static void
hour_present(struct timeline *tl, int64_t time, int64_t start)
{
	struct report *report = tl->report;
	struct span missing = {tl->last_hour + HOUR, time};

	if (tl->last_hour != TIME_NONE &&
	    span_cut(&missing, tl->window.start, tl->window.end))
		span_add(&report->missing, &report->missingsz, &tl->missing_cap,
		    missing.start, missing.end);
	if (tl->last_hour == TIME_NONE)
		tl->raw_end = tl->editable_end = start;
	tl->last_hour = time;
}

static inline void
ends_move(struct timeline *tl, int64_t start)
{
	struct report *report = tl->report;

	if (start > tl->raw_end + tl->tolerance)
		hole_add(tl, &report->raw, &tl->raw_cap, tl->raw_end, start);
	if (start > tl->editable_end + tl->tolerance)
		hole_add(tl, &report->editable, &tl->editable_cap,
		    tl->editable_end, start);
}

/*
 * Accounts for one best segment. It is editable where it starts no earlier
 * than the editable end: unlike the Python, which asks only whether it
 * overlaps the one before, be that left out itself.
 */
static void
segment_account(struct timeline *tl, struct hour *hour, int64_t start,
    int64_t end, enum segment_type type)
{
	bool editable = start >= tl->editable_end - tl->tolerance;
	int64_t covered;

	if (start < tl->raw_end - tl->tolerance)
		tally_add(&hour->counts.overlaps[type],
		    (end < tl->raw_end ? end : tl->raw_end) - start);
	ends_move(tl, start);
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
	if (type != SEGMENT_FULL)
		incomplete_add(tl, start, end);
	if (end > hour->end)
		hour->end = end;
}

/*
 * Accounts for an hour that could not be read: it stands like one segment,
 * so that its own time is no hole, but adds no coverage.
 */
static void
unread_account(struct timeline *tl, int64_t time)
{
	hour_present(tl, time, time);
	ends_move(tl, time);
	if (tl->raw_end < time + HOUR)
		tl->raw_end = time + HOUR;
	if (tl->editable_end < time + HOUR)
		tl->editable_end = time + HOUR;
}

static void
hour_account(struct timeline *tl, struct reading *r)
{
	struct hour *hour = &r->hour;
	struct span *stream = &tl->report->stream;
	const struct segment *seg;
	int64_t start;
	size_t i;

	if (!hour->readable) {
		unread_account(tl, hour->time);
		return;
	}
	if (r->bestsz == 0)
		return;
	hour->start = hour->time + r->best[0].offset;
	hour_present(tl, hour->time, hour->start);
	if (stream->start == TIME_NONE)
		stream->start = hour->start;
	for (i = 0; i < r->bestsz; i++) {
		seg = &r->best[i];
		start = hour->time + seg->offset;
		segment_account(
		    tl, hour, start, start + seg->duration, seg->type);
	}
	if (hour->end > stream->end)
		stream->end = hour->end;
}

static void
counts_add(struct counts *sum, const struct counts *counts)
{
	int i;

	for (i = 0; i < SEGMENT_TYPES; i++) {
		sum->segments[i].count += counts->segments[i].count;
		sum->segments[i].duration += counts->segments[i].duration;
		sum->overlaps[i].count += counts->overlaps[i].count;
		sum->overlaps[i].duration += counts->overlaps[i].duration;
	}
	sum->incomplete.count += counts->incomplete.count;
	sum->incomplete.duration += counts->incomplete.duration;
	sum->temp += counts->temp;
	sum->bad += counts->bad;
	sum->tombstoned += counts->tombstoned;
}

/*
 * Finds the hour's share of the quality's holes, from index `first` on,
 * which is that of the hour before. Returns its own first.
 */
static size_t
share_find(struct share *share, const struct coverage *coverage, int64_t time,
    size_t first)
{
	struct span part;
	size_t i;

	while (first < coverage->holesz && coverage->holes[first].end <= time)
		first++;
	share->first = first;
	for (i = first; i < coverage->holesz; i++) {
		part = coverage->holes[i];
		if (!span_cut(&part, time, time + HOUR))
			break;
		share->holesz++;
		share->hole_duration += part.end - part.start;
	}
	return first;
}

/*
 * Adds an hour that is accounted for to its quality's sums.
 */
static void
report_add(struct report *report, const struct hour *hour)
{
	counts_add(&report->counts, &hour->counts);
	report->raw.covered += hour->raw.covered;
	report->editable.covered += hour->editable.covered;
	if (report->start == TIME_NONE)
		report->start = hour->start;
	if (hour->end > report->end)
		report->end = hour->end;
}

/*
 * Finds what the hours have of the holes, once these are all known.
 */
static void
report_finish(struct report *report)
{
	struct hour *hour;
	size_t editable = 0, i, raw = 0;

	for (i = 0; i < report->hoursz; i++) {
		hour = &report->hours[i];
		raw = share_find(&hour->raw, &report->raw, hour->time, raw);
		editable = share_find(
		    &hour->editable, &report->editable, hour->time, editable);
	}
}

/*
 * The walk: channels, qualities and their hours
 */

static int
entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

static bool
is_hour_entry(const struct dirent *d, int64_t *time)
{
	return hour_parse(d->d_name, time) == 0 &&
	    (d->d_type == DT_DIR || d->d_type == DT_LNK ||
		d->d_type == DT_UNKNOWN);
}

/*
 * Says, where it is asked for, that a name among the hours is none.
 */
static void
stray_say(struct run *run, const char *dir, const char *name)
{
	char *path;

	if (!run->opt->verbose || name[0] == '.')
		return;
	path = format("%s/%s", dir, name);
	say(run, path, "stray: not a directory of an hour");
	free(path);
}

/*
 * Lists the hours in a quality's directory, in order, for the caller to free.
 * Returns -1 with errno where it cannot be listed.
 */
static int
entries_list(
    struct run *run, const char *dir, struct entry **entries, size_t *n)
{
	struct dirent **list;
	int i, listed;
	int64_t time;

	*entries = NULL;
	*n = 0;
	do
		listed = scandir(dir, &list, NULL, alphasort);
	while (listed == -1 && errno == EINTR);
	if (listed == -1) {
		if (errno == ENOMEM)
			need(NULL);
		return -1;
	}
	if (listed > 0)
		*entries = need(calloc((size_t)listed, sizeof(**entries)));
	for (i = 0; i < listed; i++) {
		if (is_hour_entry(list[i], &time)) {
			(*entries)[*n].time = time;
			(*entries)[(*n)++].link = list[i]->d_type == DT_LNK;
		} else
			stray_say(run, dir, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	if (*n > 1)
		qsort(*entries, *n, sizeof(**entries), entry_compare);
	return 0;
}

/*
 * Says what was wrong with an hour. Returns whether there is such an hour
 * at all: it may have gone since it was listed, or be a file's name.
 */
static bool
reading_judge(struct run *run, const char *dir, const struct entry *entry,
    struct reading *r)
{
	char *name, *path, time[TIME_SIZE];
	bool exists = true;

	if (r->error == ENOMEM)
		need(NULL);
	hour_format(time, entry->time);
	path = format("%s/%s", dir, time);
	if (r->error == ENOTDIR || (r->error == ENOENT && entry->link)) {
		stray_say(run, dir, time);
		exists = false;
	} else if (r->error == ENOENT)
		exists = false;
	else if (r->error != 0)
		unread(run, path, r->error);
	else if (r->failed_errno != 0) {
		(void)need(r->failed);
		name = format("%s/%s", path, r->failed);
		unread(run, name, r->failed_errno);
		free(name);
	}
	free(path);
	free(r->failed);
	r->failed = NULL;
	r->failed_errno = 0;
	return exists;
}

static void
bad_names_say(struct run *run, const char *dir, const struct hour *hour)
{
	char *message, *path, time[TIME_SIZE];
	size_t i;

	hour_format(time, hour->time);
	for (i = 0; i < hour->bad_namesz; i++) {
		path = format("%s/%s/%s", dir, time, hour->bad_names[i]);
		say(run, path,
		    "bad: not a segment's name, or not a regular file");
		free(path);
	}
	if (hour->bad_namesz == hour->counts.bad)
		return;
	path = format("%s/%s", dir, time);
	message = format("%zu more bad names, which are not listed",
	    hour->counts.bad - hour->bad_namesz);
	say(run, path, message);
	free(message);
	free(path);
}

/*
 * Forgets the bad names that only had to be said.
 */
static void
bad_names_drop(struct hour *hour)
{
	names_free(hour->bad_names, hour->bad_namesz);
	hour->bad_names = NULL;
	hour->bad_namesz = 0;
}

static size_t
counts_seen(const struct counts *counts)
{
	size_t n = counts->temp + counts->bad + counts->tombstoned;
	int i;

	for (i = 0; i < SEGMENT_TYPES; i++)
		n += counts->segments[i].count;
	return n;
}

/*
 * Reads the nearest hour outside the window, on one side of it, that has a
 * best segment: what spills into the window counts, and time without any up
 * to there is a hole. Nothing else of it is reported. Returns whether there
 * is one.
 */
static bool
neighbour_read(struct run *run, const char *dir, const struct entry *entry,
    size_t n, int step, struct reading *r)
{
	for (; n > 0; n--, entry += step) {
		hour_read(run->opt, dir, entry->time, &run->pool.listing, r);
		if (!reading_judge(run, dir, entry, r))
			continue;
		bad_names_drop(&r->hour);
		if (r->bestsz > 0 || !r->hour.readable)
			return true;
	}
	return false;
}

/*
 * Whether anything shows each hour of its own, not only those that could not
 * be read.
 */
static bool
hours_shown(const struct options *opt)
{
	return opt->format != FORMAT_NONE || opt->metrics != NULL ||
	    opt->make_map || opt->make_page;
}

/*
 * Accounts for an hour of the window, and keeps what is shown of it.
 */
static void
hour_take(struct run *run, struct timeline *tl, const char *dir,
    const struct entry *entry, struct reading *r)
{
	struct report *report = tl->report;

	if (!reading_judge(run, dir, entry, r))
		return;
	if (run->opt->verbose)
		bad_names_say(run, dir, &r->hour);
	if (run->opt->format != FORMAT_JSON)
		bad_names_drop(&r->hour);
	hour_account(tl, r);
	report_add(report, &r->hour);
	run->segments += counts_seen(&r->hour.counts);
	if (r->hour.readable && !hours_shown(run->opt))
		return;
	report->hours = need(array_room(report->hours, &tl->hours_cap,
	    report->hoursz, sizeof(*report->hours)));
	report->hours[report->hoursz++] = r->hour;
}

/*
 * How many of the entries are of hours before `time`.
 */
static size_t
entries_before(const struct entry *entries, size_t n, int64_t time)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (entries[i].time >= time)
			break;
	return i;
}

/*
 * Accounts in order for the hours that count: those of the window and one on
 * each side. As in the pool, what is after the window is read before it, and
 * what is before it last.
 */
static void
entries_account(struct run *run, struct timeline *tl, const char *dir,
    const struct entry *entries, size_t n)
{
	struct reading behind = {.best = NULL}, before = {.best = NULL};
	struct reading *r;
	size_t first = entries_before(entries, n, tl->window.start);
	size_t after = entries_before(entries, n, tl->window.end), i;
	bool found;

	found =
	    neighbour_read(run, dir, entries + after, n - after, 1, &behind);
	if (first < after) {
		if (hours_shown(run->opt)) {
			tl->hours_cap = after - first;
			tl->report->hours = need(
			    calloc(tl->hours_cap, sizeof(*tl->report->hours)));
		}
		pool_set(&run->pool, dir, entries + first, after - first);
		(void)pool_next(&run->pool); /* it has been read */
	}
	if (first > 0 &&
	    neighbour_read(run, dir, &entries[first - 1], first, -1, &before))
		hour_account(tl, &before);
	for (i = first; i < after; i++) {
		r = pool_next(&run->pool);
		hour_take(run, tl, dir, &entries[i], r);
		pool_took(&run->pool);
		progress_show(run, tl->report, i - first + 1);
	}
	if (found)
		hour_account(tl, &behind);
	free(before.best);
	free(behind.best);
}

/*
 * Surveys one quality's directory. A quality that does not exist may not
 * have begun; that is no trouble. A link that leads nowhere is: its disk may
 * be away.
 */
static void
quality_survey(struct run *run, struct report *report, const char *dir)
{
	struct entry *entries;
	struct stat st;
	struct timeline tl;
	size_t n;
	int error;

	if (entries_list(run, dir, &entries, &n) != 0) {
		error = errno;
		report->found = error != ENOENT || lstat(dir, &st) == 0;
		report->readable = !report->found;
		if (report->found)
			unread(run, dir, error);
		else if (run->opt->verbose)
			say(run, dir, "no such quality");
		return;
	}
	report->found = report->readable = true;
	timeline_start(&tl, run->opt, report);
	entries_account(run, &tl, dir, entries, n);
	joined_end(&tl);
	report_finish(report);
	free(entries);
}

/*
 * Whether dir has a directory that has an hour: whether it is a channel.
 */
static bool
is_channel(const char *dir, int depth)
{
	struct dirent *d;
	int64_t time;
	char *path;
	bool found = false;
	DIR *dp;

	if ((dp = opendir(dir)) == NULL)
		return false;
	while (!found && (d = readdir(dp)) != NULL) {
		if (d->d_name[0] == '.' || d->d_type == DT_REG)
			continue;
		if (depth == 0) {
			found = is_hour_entry(d, &time);
			continue;
		}
		path = format("%s/%s", dir, d->d_name);
		found = is_channel(path, depth - 1);
		free(path);
	}
	(void)closedir(dp);
	return found;
}

/*
 * Returns a line for the caller to free that names the channels there are,
 * or says nothing where that cannot be known.
 */
static char *
channels_name(const struct options *opt)
{
	struct dirent **list;
	char *line, *longer, *path;
	int i, listed, named = 0;

	if ((listed = scandir(opt->base_dir, &list, NULL, alphasort)) == -1)
		return need(strdup(""));
	line = need(strdup("; there is none here"));
	for (i = 0; i < listed; i++) {
		path = format("%s/%s", opt->base_dir, list[i]->d_name);
		if (list[i]->d_name[0] != '.' &&
		    strcmp(list[i]->d_name, opt->output_dir) != 0 &&
		    is_channel(path, 1) && named++ < NAMES_SAID) {
			longer = format("%s%s%s",
			    named == 1 ? "; there are: " : line,
			    named == 1 ? "" : ", ", list[i]->d_name);
			free(line);
			line = longer;
		}
		free(path);
		free(list[i]);
	}
	free(list);
	if (named > NAMES_SAID) {
		longer = format("%s and %d more", line, named - NAMES_SAID);
		free(line);
		line = longer;
	}
	return line;
}

/*
 * Says that what has to be a directory is none, and what there is instead.
 */
static void
directory_missing(
    struct run *run, const char *path, const char *what, int error)
{
	char *channels, *message;

	channels = run->base_found
	    ? channels_name(run->opt)
	    : need(strdup("; give the archive with --base-dir"));
	message = format("%s %s%s",
	    error == ENOENT ? "no such" : "a file in place of a", what,
	    channels);
	trouble(run, path, message);
	run->survey.complete = false;
	free(message);
	free(channels);
}

/*
 * Whether path is a directory; if not, says why.
 */
static bool
directory_check(struct run *run, const char *path, const char *what)
{
	struct stat st;
	int error = 0;

	if (stat(path, &st) != 0)
		error = errno;
	else if (!S_ISDIR(st.st_mode))
		error = ENOTDIR;
	if (error == ENOENT || error == ENOTDIR)
		directory_missing(run, path, what, error);
	else if (error != 0)
		unread(run, path, error);
	return error == 0;
}

static void
channel_survey(struct run *run, struct report *reports, const char *channel)
{
	const struct options *opt = run->opt;
	struct report *report;
	char *channel_dir, *dir;
	bool found = false;
	size_t i;

	channel_dir = format("%s/%s", opt->base_dir, channel);
	if (run->base_found)
		found = directory_check(run, channel_dir, "channel");
	for (i = 0; i < opt->qualitiesz; i++) {
		report = &reports[i];
		report->channel = channel;
		report->quality = opt->qualities[i];
		report->start = report->end = TIME_NONE;
		report->stream.start = report->stream.end = TIME_NONE;
		if (!found)
			continue;
		dir = format("%s/%s", channel_dir, report->quality);
		quality_survey(run, report, dir);
		free(dir);
	}
	free(channel_dir);
}

static void
survey_make(struct run *run)
{
	const struct options *opt = run->opt;
	struct survey *survey = &run->survey;
	size_t i;

	survey->complete = true;
	survey->reportsz = opt->channelsz * opt->qualitiesz;
	survey->reports =
	    need(calloc(survey->reportsz, sizeof(*survey->reports)));
	run->base_found = directory_check(run, opt->base_dir, "base directory");
	pool_start(&run->pool, opt);
	for (i = 0; i < opt->channelsz; i++)
		channel_survey(run, survey->reports + i * opt->qualitiesz,
		    opt->channels[i]);
	pool_stop(&run->pool);
	progress_wipe(run);
}

static void
survey_free(struct survey *survey)
{
	struct report *report;
	size_t i, j;

	for (i = 0; i < survey->reportsz; i++) {
		report = &survey->reports[i];
		for (j = 0; j < report->hoursz; j++)
			bad_names_drop(&report->hours[j]);
		free(report->hours);
		free(report->raw.holes);
		free(report->editable.holes);
		free(report->incomplete);
		free(report->incomplete_exact);
		free(report->missing);
	}
	free(survey->reports);
	for (i = 0; i < survey->errorsz; i++) {
		free(survey->errors[i].path);
		free(survey->errors[i].message);
	}
	free(survey->errors);
}

/*
 * Output files: each is written in full, without a name where the file
 * system can do that, and then takes its name from the old one
 */

static void
doomed_remove(void)
{
	if (doomed != NULL)
		(void)unlink(doomed);
}

static void
signal_die(int sig)
{
	doomed_remove();
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

/*
 * A signal ends the run as it would have without us, but no temporary file
 * is left. A file that grows too large is an error like a full disk.
 */
static void
signals_set(void)
{
	static const int fatal[] = {SIGHUP, SIGINT, SIGTERM};
	struct sigaction action, before;
	size_t i;

	memset(&action, 0, sizeof(action));
	action.sa_handler = signal_die;
	(void)sigfillset(&action.sa_mask);
	action.sa_flags = SA_RESTART;
	for (i = 0; i < LENGTH(fatal); i++)
		if (sigaction(fatal[i], NULL, &before) == 0 &&
		    before.sa_handler != SIG_IGN)
			(void)sigaction(fatal[i], &action, NULL);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)atexit(doomed_remove);
}

/*
 * Removes the temporary file if it is nobody's any more: its writer holds a
 * lock on it for as long as it lives. By the time of the lock the name may
 * stand for another file.
 */
static void
leftover_remove(int dirfd, const char *name)
{
	struct stat held, st;
	int fd;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode))
		return;
	fd = openat(dirfd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &held) == 0 &&
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    held.st_dev == st.st_dev && held.st_ino == st.st_ino)
		(void)unlinkat(dirfd, name, 0);
	(void)close(fd);
}

/*
 * Removes what runs that were killed have left in the directory, so that it
 * does not pile up.
 */
static void
leftovers_remove(int dirfd)
{
	struct dirent *d;
	DIR *dp;
	int fd;

	if ((fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return;
	if ((dp = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return;
	}
	while ((d = readdir(dp)) != NULL)
		if (strncmp(d->d_name, TEMPORARY, strlen(TEMPORARY)) == 0)
			leftover_remove(dirfd, d->d_name);
	(void)closedir(dp);
}

/*
 * Locks a temporary file that was just made. Returns false where another run
 * was faster: it takes the file for a leftover, and removes it.
 */
static bool
named_lock(int fd)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return false;
	return fstat(fd, &st) != 0 || st.st_nlink > 0;
}

/*
 * Opens a temporary file that has a name, for file systems without
 * O_TMPFILE.
 */
static int
named_open(struct output *out)
{
	sigset_t before;
	int error, fd;

	for (;;) {
		out->named = format("%s/%sXXXXXX", out->dir, TEMPORARY);
		signals_hold(&before);
		if ((fd = mkostemp(out->named, O_CLOEXEC)) != -1)
			doomed = out->named;
		error = errno;
		signals_release(&before);
		if (fd != -1 && named_lock(fd))
			return fd;
		if (fd != -1)
			(void)close(fd);
		doomed = NULL;
		free(out->named);
		out->named = NULL;
		if (fd == -1) {
			errno = error;
			return -1;
		}
	}
}

static int
temporary_open(struct output *out)
{
	int fd = -1;

	if (access("/proc/self/fd", X_OK) == 0)
		fd = openat(
		    out->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	else
		errno = EOPNOTSUPP;
	if (fd == -1 &&
	    (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		return named_open(out);
	if (fd != -1)
		(void)flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}

/*
 * Whether the target is a link like /dev/stdout, which today may stand for a
 * file.
 */
static bool
target_is_proc(const struct output *out)
{
	static const char proc[] = "/proc/";
	char to[sizeof(proc) - 1];

	return readlinkat(out->dirfd, out->base, to, sizeof(to)) ==
	    (ssize_t)sizeof(to) &&
	    memcmp(to, proc, sizeof(to)) == 0;
}

/*
 * Only a file is replaced, or a link to one: never /dev/null or /dev/stdout.
 */
static int
target_check(const struct output *out)
{
	struct stat st;
	bool link;

	if (fstatat(out->dirfd, out->base, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : -1;
	link = S_ISLNK(st.st_mode);
	if (link && fstatat(out->dirfd, out->base, &st, 0) != 0)
		return 0; /* it leads nowhere */
	if (S_ISREG(st.st_mode) && !(link && target_is_proc(out)))
		return 0;
	errno = S_ISDIR(st.st_mode) ? EISDIR : ENOTSUP;
	return -1;
}

/*
 * Writes all of it, or as much as goes; errno says why not more did.
 */
static ssize_t
stream_write(void *cookie, const char *buf, size_t size)
{
	struct pollfd fd = {(int)(intptr_t)cookie, POLLOUT, 0};
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = write(fd.fd, buf + done, size - done);
		if (n == -1 && errno == EAGAIN)
			(void)poll(&fd, 1, -1);
		else if (n == -1 && errno != EINTR)
			break;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

static int
stream_shut(void *cookie)
{
	return close((int)(intptr_t)cookie);
}

/*
 * Makes a stream of fd, which it then owns: one that an interrupted write()
 * does not end.
 */
static FILE *
stream_open(int fd)
{
	const cookie_io_functions_t functions = {
	    .write = stream_write, .close = stream_shut};
	FILE *fp;

	/* NOLINTNEXTLINE(performance-no-int-to-ptr): the cookie is fd */
	fp = need(fopencookie((void *)(intptr_t)fd, "w", functions));
	(void)setvbuf(fp, NULL, _IOFBF, OUTPUT_BUFFER);
	return fp;
}

/*
 * Returns 0, or the errno of what was lost of the stream.
 */
static int
stream_close(FILE *fp)
{
	int error = 0;

	errno = 0;
	if (fflush(fp) != 0 || ferror(fp))
		error = errno != 0 ? errno : EIO;
	if (fclose(fp) != 0 && error == 0)
		error = errno;
	return error;
}

/*
 * Gives up the output: the old file stays, and nothing else.
 */
static void
output_drop(struct output *out)
{
	if (out->fp != NULL)
		(void)fclose(out->fp);
	if (out->named != NULL)
		(void)unlink(out->named);
	doomed = NULL;
	if (out->fd != -1)
		(void)close(out->fd);
	if (out->dirfd != -1)
		(void)close(out->dirfd);
	free(out->named);
	free(out->dir);
	free(out->base);
}

/*
 * Opens an output whose content goes to out->fp. Returns -1 with errno, and
 * nothing to clean up.
 */
static int
output_open(struct output *out, const char *path)
{
	char *copy;
	int error, fd;

	memset(out, 0, sizeof(*out));
	out->fd = -1;
	copy = need(strdup(path));
	out->dir = need(strdup(dirname(copy)));
	free(copy);
	copy = need(strdup(path));
	out->base = need(strdup(basename(copy)));
	free(copy);
	out->dirfd = open(out->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out->dirfd == -1 || target_check(out) != 0)
		goto fail;
	leftovers_remove(out->dirfd);
	if ((out->fd = temporary_open(out)) == -1)
		goto fail;
	if ((fd = fcntl(out->fd, F_DUPFD_CLOEXEC, 3)) == -1)
		goto fail;
	out->fp = stream_open(fd);
	return 0;
fail:
	error = errno;
	output_drop(out);
	errno = error;
	return -1;
}

/*
 * Gives the finished file a temporary name, for rename() to take. No name
 * comes twice, for another run may be about to remove one.
 */
static int
temporary_link(struct output *out)
{
	static unsigned number;
	char *fd = format("/proc/self/fd/%d", out->fd);
	unsigned n;
	int linked = -1;

	for (n = 0; linked != 0 && n < 100; n++) {
		free(out->named);
		out->named = format(
		    "%s/%s%d.%u", out->dir, TEMPORARY, (int)getpid(), number++);
		linked = linkat(
		    AT_FDCWD, fd, AT_FDCWD, out->named, AT_SYMLINK_FOLLOW);
		if (linked != 0 && errno != EEXIST)
			break;
	}
	free(fd);
	if (linked != 0) {
		free(out->named);
		out->named = NULL;
	}
	return linked;
}

/*
 * Puts the output in the old file's place, mode 0644 whatever the umask.
 * Returns -1 with errno where that failed; the old file is then as it was.
 * The output is closed in any case.
 */
static int
output_publish(struct output *out)
{
	char *target = format("%s/%s", out->dir, out->base);
	FILE *fp = out->fp;
	sigset_t before;
	int error;

	out->fp = NULL;
	error = stream_close(fp);
	if (error == 0 && fchmod(out->fd, 0644) != 0)
		error = errno;
	signals_hold(&before);
	if (error == 0 && out->named == NULL && temporary_link(out) != 0)
		error = errno;
	if (error == 0) {
		if (rename(out->named, target) != 0)
			error = errno;
		else {
			free(out->named);
			out->named = NULL;
		}
	}
	output_drop(out);
	signals_release(&before);
	free(target);
	errno = error;
	return error == 0 ? 0 : -1;
}

/*
 * Why an output was not written, and where there is one the remedy.
 */
static const char *
output_reason(int error)
{
	switch (error) {
	case ENOENT:
		return "the directory that it goes to does not exist: make it";
	case EISDIR:
		return "it is a directory: give the name of a file";
	case ENOTSUP:
		return "neither a file nor a link to one: give another name";
	default:
		return strerror(error);
	}
}

/*
 * Writes one output by one of the emit functions. What fails is said; the
 * others go on.
 */
static void
output_write(struct run *run, const char *path,
    int (*emit)(FILE *, const struct run *, const struct report *),
    const struct report *report)
{
	struct output out;
	int error = 0;

	if (output_open(&out, path) != 0)
		error = errno;
	else if (emit(out.fp, run, report) != 0) {
		error = errno != 0 ? errno : EIO;
		output_drop(&out);
	} else if (output_publish(&out) != 0)
		error = errno;
	if (error != 0)
		trouble(run, path, output_reason(error));
	else if (run->opt->verbose)
		say(run, path, "written");
}

/*
 * Makes the output directory where it is missing, readable by the web
 * server whatever the umask, but never the base directory.
 */
static int
output_dir_make(const struct options *opt)
{
	char *path, *slash;
	int error = 0;

	path = format("%s/%s/", opt->output_dir[0] == '/' ? "" : opt->base_dir,
	    opt->output_dir);
	slash = path + (opt->output_dir[0] == '/' ? 1 : strlen(opt->base_dir));
	while (error == 0 && (slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(path, 0755) == 0)
			error = chmod(path, 0755) == 0 ? 0 : errno;
		else if (errno != EEXIST)
			error = errno;
		*slash = '/';
	}
	free(path);
	errno = error;
	return error == 0 ? 0 : -1;
}

/*
 * Returns the path of a map or page, for the caller to free.
 */
static char *
output_path(
    const struct options *opt, const struct report *report, const char *ending)
{
	return format("%s%s%s/%s_%s_coverage.%s",
	    opt->output_dir[0] == '/' ? "" : opt->base_dir,
	    opt->output_dir[0] == '/' ? "" : "/", opt->output_dir,
	    report->channel, report->quality, ending);
}

/*
 * Writes a map or page into the output directory.
 */
static void
output_place(struct run *run, const struct report *report, const char *ending,
    int (*emit)(FILE *, const struct run *, const struct report *))
{
	char *path = output_path(run->opt, report, ending);

	if (output_dir_make(run->opt) != 0)
		trouble(run, path, strerror(errno));
	else
		output_write(run, path, emit, report);
	free(path);
}

static int
emit_map(FILE *fp, const struct run *run, const struct report *report)
{
	return render_map(fp, run->opt, report);
}

static int
emit_page(FILE *fp, const struct run *run, const struct report *report)
{
	return render_page(fp, run->opt, report, run->nodes, run->nodesz);
}

static int
emit_metrics(FILE *fp, const struct run *run, const struct report *report)
{
	(void)report;
	return report_metrics(fp, run->opt, &run->survey);
}

static int
emit_report(FILE *fp, const struct run *run, const struct report *report)
{
	(void)report;
	return run->opt->format == FORMAT_JSON
	    ? report_json(fp, run->opt, &run->survey)
	    : report_text(fp, run->opt, &run->survey);
}

/*
 * Writes the quality's map. The old one stays where there is nothing to
 * show, or more than can be shown.
 */
static void
map_write(struct run *run, const struct report *report)
{
	struct span range;
	char *message, *path;

	if (!map_range(run->opt, report, &range))
		return;
	if ((range.end - range.start) / HOUR <= MAP_HOURS_MAX) {
		output_place(run, report, "png", emit_map);
		return;
	}
	path = output_path(run->opt, report, "png");
	message = format("a map of %lld hours is wider than %d: narrow it "
			 "with --first-hour and --last-hour",
	    (long long)((range.end - range.start) / HOUR), MAP_HOURS_MAX);
	trouble(run, path, message);
	free(message);
	free(path);
}

/*
 * Finds out whose maps the pages show. Returns false where the database did
 * not say.
 */
static bool
nodes_find(struct run *run)
{
	const struct options *opt = run->opt;
	char message[512], *subject;
	size_t i;
	int failed;

	if (opt->nodesz > 0) {
		run->nodes = opt->nodes;
		run->nodesz = opt->nodesz;
		return true;
	}
	if (run->progress)
		progress_put(
		    run, "asking the database for the nodes (10 s at most)");
	failed = nodes_fetch(
	    opt->dsn, &run->nodes, &run->nodesz, message, sizeof(message));
	progress_wipe(run);
	run->abandoned = failed > 0;
	if (failed != 0) {
		trouble(run, "database", message);
		return false;
	}
	for (i = 0; i < run->nodesz; i++) {
		if (run->nodes[i].fault == NULL)
			continue;
		subject = format("node '%s'",
		    run->nodes[i].name == NULL ? "" : run->nodes[i].name);
		trouble(run, subject, run->nodes[i].fault);
		free(subject);
	}
	return true;
}

static void
outputs_write(struct run *run)
{
	const struct options *opt = run->opt;
	const struct survey *survey = &run->survey;
	bool pages = opt->make_page && run->base_found && nodes_find(run);
	size_t i;

	for (i = 0; i < survey->reportsz; i++) {
		if (opt->make_map)
			map_write(run, &survey->reports[i]);
		if (pages)
			output_place(
			    run, &survey->reports[i], "html", emit_page);
	}
	run->survey.elapsed = clock_read(CLOCK_MONOTONIC) - run->started;
	if (opt->metrics != NULL)
		output_write(run, opt->metrics, emit_metrics, NULL);
}

static void
report_write(struct run *run)
{
	const struct options *opt = run->opt;
	FILE *fp;
	int error;

	if (opt->report != NULL)
		output_write(run, opt->report, emit_report, NULL);
	else if (opt->format != FORMAT_NONE) {
		fp = stream_open(STDOUT_FILENO);
		(void)emit_report(fp, run, NULL);
		if ((error = stream_close(fp)) != 0)
			trouble(run, "stdout", strerror(error));
	}
}

/*
 * --check
 */

static void __attribute__((format(printf, 3, 4)))
finding(struct run *run, const struct report *report, const char *fmt, ...)
{
	va_list ap;
	char *message, *subject;

	va_start(ap, fmt);
	message = vformat(fmt, ap);
	va_end(ap);
	subject = format("%s/%s", report->channel, report->quality);
	say(run, subject, message);
	run->found = true;
	free(subject);
	free(message);
}

/*
 * Says the longest of the holes that count. One that began only now may
 * still be filled, since segments arrive out of order.
 */
static void
holes_check(struct run *run, const struct report *report)
{
	const int64_t settled = run->opt->now - run->opt->settle;
	const struct span *hole, *top[LISTED_MAX];
	struct coverage c = report->raw;
	char end[TIME_SIZE], length[TIME_SIZE], start[TIME_SIZE];
	size_t i, n;

	while (c.holesz > 0) {
		hole = &c.holes[c.holesz - 1];
		if ((c.holesz == 1 ? c.began : hole->start) <= settled)
			break;
		c.hole_duration -= hole->end - hole->start;
		c.holesz--;
	}
	n = holes_longest(&c, top);
	for (i = 0; i < n; i++) {
		hole = top[i];
		c.hole_duration -= hole->end - hole->start;
		time_format(start, hole->start);
		time_format(end, hole->end);
		seconds_format(length, hole->end - hole->start);
		finding(run, report, "a hole of %s s from %s to %s", length,
		    start, end);
	}
	seconds_format(length, c.hole_duration);
	if (c.holesz > n)
		finding(run, report, "and %zu more, %s s in all", c.holesz - n,
		    length);
}

static void
age_check(struct run *run, const struct report *report)
{
	const struct options *opt = run->opt;
	char age[TIME_SIZE], end[TIME_SIZE], max[TIME_SIZE];

	if (opt->max_age < 0 || opt->now - report->end <= opt->max_age ||
	    !end_known(report, report->end))
		return;
	time_format(end, report->end);
	seconds_format(age, opt->now - report->end);
	seconds_format(max, opt->max_age);
	finding(run, report,
	    "the newest segment ended %s s ago, at %s; --max-age is %s s", age,
	    end, max);
}

/*
 * Says that there is no segment, unless there may be some in what could not
 * be read.
 */
static void
presence_check(struct run *run, const struct report *report)
{
	char age[TIME_SIZE], end[TIME_SIZE];

	if (!end_known(report, INT64_MIN))
		return;
	if (ended_before(run->opt, report)) {
		time_format(end, report->stream.end);
		seconds_format(age, run->opt->now - report->stream.end);
		finding(run, report,
		    "no segments; the last before ended %s s ago, at %s", age,
		    end);
	} else
		finding(run, report, "%s",
		    report->found ? "no segments"
				  : "no segments: no such quality");
}

static void
check(struct run *run)
{
	const struct report *report;
	size_t i;

	for (i = 0; i < run->survey.reportsz; i++) {
		report = &run->survey.reports[i];
		if (!report->readable)
			continue;
		holes_check(run, report);
		if (report->start == TIME_NONE)
			presence_check(run, report);
		else
			age_check(run, report);
	}
}

/*
 * The run
 */

/*
 * Fills the places of standard streams that are closed, so that no other
 * file takes them. What is written to such a stdout fails.
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
 * Lets what the threads free serve the maps and the report, instead of going
 * back to the system between them: new pages are a tenth of a run's time.
 */
static void
memory_set(void)
{
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
	(void)mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
}

int
main(int argc, char *argv[])
{
	struct options opt;
	struct run run = {.opt = &opt};
	int status;

	run.started = clock_read(CLOCK_MONOTONIC);
	run.progress_at = run.started + PROGRESS_AFTER;
	memory_set();
	streams_guard();
	signals_set();
	(void)setlocale(LC_CTYPE, "");
	options_parse(&opt, argc, argv);
	run.progress = isatty(STDERR_FILENO);
	survey_make(&run);
	outputs_write(&run);
	report_write(&run);
	if (opt.check)
		check(&run);
	status = run.survey.errorsz > 0 ? EXIT_TROUBLE
	    : run.found                 ? EXIT_FOUND
					: EXIT_SUCCESS;
	if (run.nodes != opt.nodes)
		nodes_free(run.nodes, run.nodesz);
	survey_free(&run.survey);
	options_free(&opt);
	if (run.abandoned)
		_exit(status);
	return status;
}
