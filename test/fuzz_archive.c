/*
 * SPDX-License-Identifier: MIT
 *
 * Fuzzes the whole program. The input is an archive, a line for each name;
 * it is made in a directory in memory, and main() runs on it several times.
 * There is no second model of the program here: what it prints must parse,
 * obey the laws of holes and coverage, and agree from run to run.
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
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../segparse.h"

#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image.h>
#pragma GCC diagnostic pop

#define NAME_SIZE 256
#define FILES_MAX 200
#define HOURS_MAX 12
#define ARGS_MAX  40
#define EXACT_MAX (INT64_C(1000000000) * SECOND) /* exact in a double */
#define QUALITY   "source"
#define SPARE     "34:56.789012" /* starts a segment that is added */

int coverage_main(int, char *[]); /* main() of coverage.c */
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct blob {
	char *data; /* owned, terminated; NULL: there is no such file */
	size_t size;
};

struct run {
	int status;
	struct blob report, metrics, map, said;
	cJSON *json; /* owned */
	const cJSON *q; /* its only report */
};

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
	char first[TIME_SIZE]; /* the first one made, or empty */
	char last[TIME_SIZE];
	bool spare; /* in the last one no name has SPARE */
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
	const char *target = kind == 'l' ? "/proc/self/exe"
	    : kind == 'k'                ? "."
	    : kind == 'd'                ? "nowhere"
	    : kind == 'o'                ? name
					 : NULL;
	const char *dot;
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
	if (size > 0 && target == NULL && kind != 'D' && kind != 'p') {
		fd = openat(made.fd, name, O_WRONLY);
		if (ftruncate(fd, size) != 0)
			abort();
		close(fd);
	}
	dot = strrchr(name, '.');
	made.files++;
	made.segments += made.counts && *name != '.' && dot != NULL &&
	    strcmp(dot, ".ts") == 0;
	made.spare &= strstr(name, SPARE) == NULL;
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
	if (!made.counts)
		return;
	made.spare = true;
	memcpy(made.last, name, 14);
	if (*made.first == '\0')
		memcpy(made.first, name, 14);
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

static struct blob
blob_read(const char *fmt, ...)
{
	struct blob blob = {NULL, 0};
	char path[512];
	struct stat st;
	va_list ap;
	int fd;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if ((fd = open(path, O_RDONLY)) == -1)
		return blob;
	fstat(fd, &st);
	blob.data = calloc((size_t)st.st_size + 1, 1);
	blob.size = (size_t)read(fd, blob.data, (size_t)st.st_size);
	close(fd);
	unlink(path);
	return blob;
}

/*
 * Runs the program with the input's options and with others, a word each.
 */
static void
run_start(struct run *run, const char *options)
{
	static char metrics[128], report[128];
	const char *args[ARGS_MAX] = {"segment-coverage", "-b", dir, "-q",
	    QUALITY, "--now", "2025-11-16T00", "-t", tolerance, "-r", report,
	    "-m", metrics};
	char *words = strdup(options), *word;
	int n = 13, said = memfd_create("said", MFD_CLOEXEC);

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
	memset(run, 0, sizeof(*run));
	setenv("LC_ALL", utf8 ? "C.UTF-8" : "C", 1);
	dup2(said, STDERR_FILENO);
	optind = 0;
	run->status = coverage_main(n, (char **)(void *)args);
	dup2(talk, STDERR_FILENO);
	run->said = blob_read("/proc/self/fd/%d", said);
	close(said);
	free(words);
	run->report = blob_read("%s", report);
	run->metrics = blob_read("%s", metrics);
	run->map = blob_read(
	    "%s/coverage-maps/%s_" QUALITY "_coverage.png", dir, channel);
}

static void
run_end(struct run *run)
{
	free(run->report.data);
	free(run->metrics.data);
	free(run->map.data);
	free(run->said.data);
	cJSON_Delete(run->json);
}

/*
 * What a run prints
 */

/*
 * Lines of printable text. Tabs are those of -f holes.
 */
static void
text_laws(const struct blob *blob)
{
	const char *s = blob->data;
	long c;

	assert(s != NULL && strlen(s) == blob->size);
	while (*s != '\0') {
		c = utf8_next(&s);
		assert(c == '\n' || c == '\t' || (c >= ' ' && c != 0x7f));
		assert(c < 0x80 || utf8);
	}
}

/*
 * Each line of metrics: a comment, or a name, labels and a number.
 */
static void
metrics_laws(const struct blob *blob)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyz_";
	const char *s;

	assert(blob->data != NULL);
	for (s = blob->data; *s != '\0'; s = strchr(s, '\n') + 1) {
		if (*s == '#')
			continue;
		s += strspn(s, name);
		while (*s == '{' || *s == ',') {
			s += 1 + strspn(s + 1, name);
			assert(strncmp(s, "=\"", 2) == 0);
			for (s += 2; *s != '"'; s += 1 + (*s == '\\'))
				assert(*s != '\n' && *s != '\0');
			s += 1 + (s[1] == '}');
		}
		assert(*s == ' ');
		s += 1 + (s[1] == '-');
		assert(strspn(s, "0123456789") > 0);
		assert(s[strspn(s, "0123456789.")] == '\n');
	}
}

/*
 * A map is a PNG of 300 rows in its own colours.
 */
static void
map_laws(const struct blob *blob)
{
	static const int colours[] = {0xffffff, 0x1f77b4, 0xff7f0e, 0x7f7f7f};
	const unsigned char *p, *png = (const unsigned char *)blob->data;
	unsigned char *pixels;
	int depth, height, i, width;
	size_t c;

	if (png == NULL)
		return;
	pixels = stbi_load_from_memory(
	    png, (int)blob->size, &width, &height, &depth, 0);
	assert(pixels != NULL && depth == 3 && height == 300);
	for (i = 0; i < width * height; i++) {
		p = pixels + (ptrdiff_t)3 * i;
		/* NOLINTNEXTLINE: stb, it thinks, may leave pixels out */
		for (c = 0; (p[0] << 16 | p[1] << 8 | p[2]) != colours[c]; c++)
			assert(c + 1 < LENGTH(colours));
	}
	free(pixels);
}

static const cJSON *
at(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	assert(item != NULL);
	return item;
}

static int
count(const cJSON *object, const char *key)
{
	assert(cJSON_IsNumber(at(object, key)));
	return at(object, key)->valueint;
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
	int64_t covered = us(c, "coverage"), end = INT64_MIN, longest = 0;
	int64_t lost = 0, start;
	const cJSON *hole;

	assert(cJSON_GetArraySize(at(c, "holes")) == count(c, "hole_count"));
	cJSON_ArrayForEach(hole, at(c, "holes"))
	{
		start = us(hole, "start");
		assert(start >= end);
		end = us(hole, "end");
		assert(start < end);
		lost += end - start;
		longest = end - start > longest ? end - start : longest;
	}
	if (lost > EXACT_MAX)
		return;
	assert(covered >= 0 && us(c, "hole_duration") == lost);
	if (lost > 0)
		assert(us(at(c, "longest_hole"), "duration") == longest);
	if (covered + lost > 0)
		assert(us(c, "ratio") == covered * SECOND / (covered + lost));
}

static int
segments_counted(const cJSON *q)
{
	static const char *const kinds[] = {
	    "full", "suspect", "partial", "temp", "bad", "tombstoned", "ahead"};
	size_t i;
	int n = 0;

	for (i = 0; i < LENGTH(kinds); i++)
		n += count(at(at(q, "segments"), kinds[i]), "count");
	return n;
}

/*
 * Reads the report of the whole archive. Its time is covered, holes, or
 * unknown; gaps within the tolerance are none of these.
 */
static void
json_laws(struct run *run)
{
	const cJSON *hour, *q;
	int64_t covered = 0, end, known, start, t, unknown = 0;

	run->json = cJSON_ParseWithLength(run->report.data, run->report.size);
	assert(run->json != NULL);
	run->q = q = at(run->json, "reports")->child;
	coverage_laws(at(q, "raw"));
	coverage_laws(at(q, "editable"));
	start = us(q, "start");
	end = us(q, "end");
	cJSON_ArrayForEach(hour, at(q, "hours"))
	{
		covered += us(at(hour, "raw"), "coverage");
		if (cJSON_IsTrue(at(hour, "readable")))
			continue;
		unknown += HOUR;
		t = us(hour, "hour");
		start = t < start ? t : start;
		end = t + HOUR > end ? t + HOUR : end;
	}
	assert((unknown > 0) == made.unreadable);
	assert(cJSON_IsTrue(at(run->json, "complete")) == !made.unreadable);
	assert(unknown > 0 || segments_counted(q) == made.segments);
	assert(us(at(q, "raw"), "coverage") == covered);
	if (us(q, "start") == TIME_NONE)
		return;
	known = covered + us(at(q, "raw"), "hole_duration");
	if (end - start > EXACT_MAX)
		return;
	assert(known <= end - start);
	if (strcmp(tolerance, "0") != 0)
		return;
	assert(known + unknown >= end - start);
	assert(us(at(q, "editable"), "coverage") <= covered);
}

/*
 * Runs that are compared
 */

static void
same_blob(const struct blob *a, const struct blob *b)
{
	assert(a->size == b->size);
	assert(a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/*
 * Without a tolerance an hour of a window is as it is in the whole.
 */
static void
window_laws(const struct run *whole, const struct run *window)
{
	cJSON *json =
	    cJSON_ParseWithLength(window->report.data, window->report.size);
	const cJSON *hour, *of_window;

	assert(json != NULL);
	of_window = at(at(json, "reports")->child, "hours")->child;
	cJSON_ArrayForEach(hour, at(whole->q, "hours"))
	{
		const char *name = at(hour, "hour")->valuestring;

		if (strcmp(name, made.first) < 0 || strcmp(name, made.last) > 0)
			continue;
		assert(cJSON_Compare(at(hour, "raw"), at(of_window, "raw"), 1));
		of_window = of_window->next;
	}
	assert(of_window == NULL);
	cJSON_Delete(json);
}

/*
 * A segment more, at a start of its own, takes no coverage away.
 */
static void
more_laws(const struct run *before)
{
	struct run after;

	if (!made.spare || *made.last == '\0' || made.files == FILES_MAX)
		return;
	made.fd = openat(made.quality, made.last, O_RDONLY);
	made.counts = true;
	file_make('r', 1, SPARE "-300-full-Hash.ts", 29);
	close(made.fd);
	run_start(&after, "-n -f json");
	json_laws(&after);
	assert(us(at(after.q, "raw"), "coverage") >=
	    us(at(before->q, "raw"), "coverage"));
	run_end(&after);
}

/*
 * All runs on one archive.
 */
static void
archive_laws(void)
{
	struct run other, run;
	char options[256];

	run_start(&run, "-f json -j 1");
	text_laws(&run.said);
	metrics_laws(&run.metrics);
	map_laws(&run.map);
	json_laws(&run);
	nftw(dir, entry_move, 8, FTW_PHYS);
	run_start(&other, "-f json -j 4");
	same_blob(&run.report, &other.report);
	same_blob(&run.map, &other.map);
	run_end(&other);
	run_start(&other, check ? "-n -a -c" : "-n -a");
	text_laws(&other.report);
	run_end(&other);
	run_start(&other, "-n -f holes");
	text_laws(&other.report);
	run_end(&other);
	if (strcmp(tolerance, "0") == 0 && strcmp(made.first, made.last) < 0) {
		snprintf(options, sizeof(options),
		    "-f json --first-hour %s --last-hour %s", made.first,
		    made.last);
		run_start(&other, options);
		map_laws(&other.map);
		window_laws(&run, &other);
		run_end(&other);
	}
	more_laws(&run);
	run_end(&run);
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
	close(made.quality);
	nftw(dir, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
