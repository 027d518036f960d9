/*
 * SPDX-License-Identifier: MIT
 *
 * Fuzzes the whole program. The input is an archive, a line for each name;
 * it is made in a directory in memory, and main() runs on it several times.
 * What it prints must parse, obey the laws of holes and coverage, and agree
 * from run to run; for figures there are model.py and count-laws.t.
 *
 * The first line: four letters (see options_read), then the channel's name.
 * `H2025-11-15T02` begins an hour (see hour_make), `r3NAME` is a file in it
 * of size 3 (see file_make); after `s` each four bytes are a segment. The
 * byte 0x1f stands for a newline.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <assert.h>
#include <cjson/cJSON.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <math.h>
#include <sanitizer/common_interface_defs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../segparse.h"

#define NAME_SIZE 256
#define FILES_MAX 200
#define HOURS_MAX 12
#define ARGS_MAX  40
#define EXACT_MAX (INT64_C(1000000000) * SECOND) /* exact in a double */
#define QUALITY   "source"

int coverage_main(int, char *[]); /* main() of coverage.c */
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char dir[64]; /* the archive, and what the runs write */
static int talk; /* the fuzzer's stderr */
static char channel[NAME_SIZE];
static const char *tolerance;
static bool check, utf8, verbose;

static struct { /* of the archive that was made */
	int quality; /* its directory */
	int fd; /* the hour that files are made in, or -1 */
	bool counts; /* its files do */
	bool unreadable; /* an hour is */
	int hours, files;
	int segments; /* names that end in .ts, in hours that count */
	int64_t low, high; /* the earliest and the latest hour that count */
} made;

/*
 * The archive
 */

/*
 * Copies what may be the name of a file. Returns false for any other.
 */
static bool
name_copy(char name[NAME_SIZE], const char *s, size_t len)
{
	size_t i;

	if (len == 0 || len >= NAME_SIZE || memchr(s, '/', len) != NULL)
		return false;
	for (i = 0; i < len; i++)
		name[i] = (char)(s[i] == 0x1f ? '\n' : s[i]);
	name[len] = '\0';
	return *name != '\0' && strcmp(name, ".") != 0 &&
	    strcmp(name, "..") != 0;
}

/*
 * r: a file; l: a link to one; D: a directory; k: a link to one; p: a FIFO;
 * d: a dangling link; o: a link to itself. What is there already stays.
 */
static void
file_make(char kind, int size, const char *s, size_t len)
{
	char name[NAME_SIZE];
	const char *dot,
	    *target = kind == 'l' ? "/proc/self/exe"
	    : kind == 'k'         ? "."
	    : kind == 'd'         ? "nowhere"
	    : kind == 'o'         ? name
				  : NULL;
	int failed, fd;

	if (made.fd == -1 || made.files == FILES_MAX ||
	    !name_copy(name, s, len))
		return;
	if (target != NULL)
		failed = symlinkat(target, made.fd, name);
	else if (kind == 'D')
		failed = mkdirat(made.fd, name, 0755);
	else
		failed = mknodat(
		    made.fd, name, (kind == 'p' ? S_IFIFO : S_IFREG) | 0644, 0);
	if (failed)
		return;
	if (size > 0 && kind == 'r') {
		fd = openat(made.fd, name, O_WRONLY);
		assert(ftruncate(fd, size) == 0);
		close(fd);
	}
	dot = strrchr(name, '.');
	made.files++;
	made.segments += made.counts && *name != '.' && dot != NULL &&
	    strcmp(dot, ".ts") == 0;
}

/*
 * H: a directory; h: a link to one; G: a dangling link; x: a link to itself;
 * F: a file. Only the first two can have files.
 */
static void
hour_make(char kind, const char *s, size_t len)
{
	char name[NAME_SIZE], place[16];
	const char *path = name, *target = NULL;
	int64_t t;

	close(made.fd);
	made.fd = -1;
	if (made.hours++ >= HOURS_MAX || !name_copy(name, s, len))
		return;
	snprintf(place, sizeof(place), ".%d", made.hours);
	if (kind == 'h')
		path = target = place;
	else if (kind == 'x')
		target = name;
	else if (kind == 'G')
		target = "nowhere";
	if (target != NULL && symlinkat(target, made.quality, name) == -1)
		return;
	made.counts = hour_parse(name, &t) == 0;
	if (made.counts) {
		made.low = made.low == 0 || t < made.low ? t : made.low;
		made.high = made.high == 0 || t > made.high ? t : made.high;
	}
	made.unreadable |= made.counts && strchr("xG", kind) != NULL;
	if (kind == 'F')
		close(openat(made.quality, name, O_WRONLY | O_CREAT, 0644));
	if ((kind != 'h' && kind != 'H') ||
	    mkdirat(made.quality, path, 0755) == -1)
		return;
	made.fd = openat(made.quality, path, O_RDONLY);
}

/*
 * A segment out of four bytes, where it is likely to touch others.
 */
static void
packed_make(const unsigned char *b)
{
	static const int bases[] = {
	    0, 0, 0, 0, 10, 600, 1800, 3540, 3570, 3590};
	static const int shifts[] = {
	    0, 0, 0, 1, -1, 9999, 10000, 10001, -10000, 500000, -10001, 999999};
	static const char *const durations[] = {"2.0", "2", "2.002", "0",
	    "0.000001", "1.99", "4", "10.000001", "3600", "1e1", "2.0000005",
	    "59.999999", ".5", "1.999999", "600.", "3600.0000004"};
	static const char *const types[] = {
	    "full", "suspect", "partial", "temp"};
	static const char *const endings[] = {
	    "ab.ts", "aa.ts", "ab.tombstone", "abc.ts"};
	char name[128];
	int64_t t;
	int n;

	t = (bases[b[0] % 10] + b[0] / 10 % 8 * 2) * SECOND + shifts[b[1] % 12];
	t = t < 0 ? 0 : t;
	n = snprintf(name, sizeof(name), "%02d:%02d.%06d-%s-%s-%s",
	    (int)(t / MINUTE), (int)(t / SECOND % 60), (int)(t % SECOND),
	    durations[b[2] % 16], types[b[3] % 4],
	    endings[b[3] / 4 % 16 < 12 ? b[3] / 4 % 2 : b[3] / 4 % 4]);
	file_make(
	    "rrrrrrrrrrrrrldD"[b[1] / 12 % 16], b[2] / 16, name, (size_t)n);
}

static void
line_make(const char *line, size_t len)
{
	size_t i;

	if (len > 1 && *line != '\0' && strchr("HhxGF", *line) != NULL)
		hour_make(*line, line + 1, len - 1);
	else if (len > 1 && *line == 's')
		for (i = 1; i + 4 <= len; i += 4)
			packed_make((const unsigned char *)line + i);
	else if (len > 2)
		file_make(*line, (unsigned char)line[1] % 8, line + 2, len - 2);
}

/*
 * The first line: its first letter chooses the tolerance, --verbose and the
 * encoding, the second one --check.
 */
static void
options_read(const char *line, size_t len)
{
	static const char *const tolerances[] = {
	    "0", "0.01", "0", "0.01", "0.000001", "0.5", "2", "3600"};

	tolerance = tolerances[len > 0 ? line[0] & 7 : 0];
	verbose = len > 0 && (line[0] & 8) != 0;
	utf8 = len > 0 && (line[0] & 16) != 0;
	check = len > 1 && (line[1] & 8) != 0;
	if (len < 5 || len > 200 || line[4] == '.' ||
	    !name_copy(channel, line + 4, len - 4))
		strcpy(channel, "channel");
}

static int
entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level == 0 ? 0 : remove(path);
}

/*
 * Moves every other name of an hour to another place in its directory.
 */
static int
entry_move(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char other[512];

	(void)type;
	if (ftw->level < 3 || st->st_ino % 2 == 0)
		return 0;
	snprintf(other, sizeof(other), "%.*s.moved", ftw->base, path);
	return rename(path, other) == 0 ? rename(other, path) : -1;
}

static void
archive_make(const char *data, size_t size)
{
	const char *end, *line;
	char path[512];

	memset(&made, 0, sizeof(made));
	made.fd = -1;
	end = memchr(data, '\n', size);
	options_read(data, end == NULL ? size : (size_t)(end - data));
	snprintf(path, sizeof(path), "%s/%s", dir, channel);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/" QUALITY, dir, channel);
	mkdir(path, 0755);
	made.quality = open(path, O_RDONLY);
	assert(made.quality != -1);
	while (end != NULL) {
		line = end + 1;
		size -= (size_t)(line - data);
		data = line;
		end = memchr(data, '\n', size);
		line_make(data, end == NULL ? size : (size_t)(end - data));
	}
}

/*
 * A run
 */

static char *
text_read(int fd)
{
	struct stat st;
	char *text;

	assert(fd != -1);
	fstat(fd, &st);
	text = calloc((size_t)st.st_size + 1, 1);
	assert(pread(fd, text, (size_t)st.st_size, 0) == st.st_size);
	assert(strlen(text) == (size_t)st.st_size);
	close(fd);
	return text;
}

/*
 * Lines of printable text. Tabs are those of -f holes.
 */
static void
text_laws(const char *s)
{
	long c;

	while (*s != '\0') {
		c = utf8_next(&s);
		assert(c == '\n' || c == '\t' || (c >= ' ' && c != 0x7f));
		assert(c < 0x80 || utf8);
	}
}

/*
 * Runs the program with the input's options and with others, a word each.
 * Returns its report, to be freed.
 */
static char *
report_make(const char *options)
{
	static char metrics[128], report[128];
	const char *args[ARGS_MAX] = {"segment-coverage", "-b", dir, "-q",
	    QUALITY, "--now", "2025-11-16T00", "-t", tolerance, "-r", report,
	    "-m", metrics};
	char *text, *words = strdup(options), *word;
	int fd, n = 13, said = memfd_create("said", MFD_CLOEXEC);

	snprintf(report, sizeof(report), "%s/.report", dir);
	snprintf(metrics, sizeof(metrics), "%s/.metrics", dir);
	for (word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
		args[n++] = word;
	if (verbose)
		args[n++] = "-v";
	if (made.high - made.low > 30 * HOUR)
		args[n++] = "-n"; /* a wide map takes too long */
	args[n++] = "--";
	args[n++] = channel;
	args[n] = NULL;
	setenv("LC_ALL", utf8 ? "C.UTF-8" : "C", 1);
	dup2(said, STDERR_FILENO);
	optind = 0;
	coverage_main(n, (char **)(void *)args);
	dup2(talk, STDERR_FILENO);
	free(words);
	text = text_read(said);
	text_laws(text);
	fd = open(report, O_RDONLY);
	if (fd == -1) /* the assertion that follows would not tell why */
		dprintf(talk, "%s", text);
	free(text);
	return text_read(fd);
}

/*
 * What a report says
 */

static const cJSON *
at(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	assert(item != NULL);
	return item;
}

/*
 * Seconds or an instant, in microseconds; null is TIME_NONE.
 */
static int64_t
us(const cJSON *object, const char *key)
{
	const cJSON *item = at(object, key);
	bool date_only;
	int64_t t;

	if (cJSON_IsNull(item))
		return TIME_NONE;
	if (cJSON_IsNumber(item))
		return llround(item->valuedouble * 1e6);
	assert(time_parse(item->valuestring, &t, &date_only) == 0);
	return t;
}

/*
 * Holes are in order and apart from each other; the sums are theirs.
 */
static void
coverage_laws(const cJSON *c)
{
	int64_t covered = us(c, "coverage"), end = INT64_MIN, lost = 0, start;
	const cJSON *hole;

	assert(cJSON_GetArraySize(at(c, "holes")) ==
	    at(c, "hole_count")->valueint);
	cJSON_ArrayForEach(hole, at(c, "holes"))
	{
		start = us(hole, "start");
		assert(start >= end);
		end = us(hole, "end");
		assert(start < end);
		lost += end - start;
	}
	if (lost > EXACT_MAX)
		return;
	assert(covered >= 0 && us(c, "hole_duration") == lost);
	if (covered + lost > 0)
		assert(us(c, "ratio") == covered * SECOND / (covered + lost));
}

/*
 * Every segment is counted. Time is covered, holes, or unknown; gaps within
 * the tolerance are none of these.
 */
static void
json_laws(const char *text)
{
	cJSON *json = cJSON_Parse(text);
	const cJSON *hour, *kind, *q;
	int64_t covered = 0, end, known, segments = 0, start, unknown = 0;

	assert(json != NULL);
	q = at(json, "reports")->child;
	coverage_laws(at(q, "raw"));
	coverage_laws(at(q, "editable"));
	cJSON_ArrayForEach(kind, at(q, "segments"))
	{
		if (strcmp(kind->string, "empty") != 0)
			segments += at(kind, "count")->valueint;
	}
	assert(segments == made.segments);
	start = us(q, "start");
	end = us(q, "end");
	cJSON_ArrayForEach(hour, at(q, "hours"))
	{
		covered += us(at(hour, "raw"), "coverage");
		if (cJSON_IsTrue(at(hour, "readable")))
			continue;
		unknown += HOUR;
		hour_parse(at(hour, "hour")->valuestring, &known);
		start = known < start ? known : start;
		end = known + HOUR > end ? known + HOUR : end;
	}
	assert((unknown > 0) == made.unreadable);
	assert(cJSON_IsTrue(at(json, "complete")) == !made.unreadable);
	assert(us(at(q, "raw"), "coverage") == covered);
	known = covered + us(at(q, "raw"), "hole_duration");
	if (us(q, "start") != TIME_NONE && end - start <= EXACT_MAX) {
		assert(known <= end - start);
		assert(strcmp(tolerance, "0") != 0 ||
		    known + unknown >= end - start);
	}
	cJSON_Delete(json);
}

/*
 * All runs on one archive.
 */
static void
archive_laws(void)
{
	char hour[TIME_SIZE], options[256];
	char *other, *report = report_make("-f json -j 1");

	json_laws(report);
	nftw(dir, entry_move, 8, FTW_PHYS);
	other = report_make("-f json -j 4");
	assert(strcmp(report, other) == 0);
	free(other);
	free(report);
	report = report_make(check ? "-n -a -c" : "-n -a");
	text_laws(report);
	free(report);
	hour_format(hour, made.low);
	snprintf(options, sizeof(options), "-f holes --first-hour %s", hour);
	report = report_make(options);
	utf8 = true; /* lines are for programs, whatever the locale */
	text_laws(report);
	free(report);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (*dir == '\0') {
		snprintf(dir, sizeof(dir), "/dev/shm/fuzz.%d", (int)getpid());
		mkdir(dir, 0755);
		talk = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): its interface */
		__sanitizer_set_report_fd((void *)(intptr_t)talk);
	}
	archive_make((const char *)data, size);
	archive_laws();
	close(made.fd);
	close(made.quality);
	nftw(dir, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
