/*
 * SPDX-License-Identifier: MIT
 *
 * The disk: what names mean, what one hour directory holds, read by a pool of
 * threads, files replaced, and what a peer's report says.
 *
 * hour_read() is called from several threads at once. Only need() ends the
 * program, and only main's thread calls it.
 */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cjson/cJSON.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "segparse.h"

#define MILLISECOND (SECOND / 1000)

#define READ_MIN   65536 /* least room for each getdents64 */
#define READ_FIRST 262144 /* holds an ordinary hour whole */
#define RECORD_MIN 24 /* bytes of the shortest of its records */

#define BUCKET  (2 * SECOND) /* of starts that are sorted together */
#define BUCKETS (HOUR / BUCKET + 1) /* the last one: what has no start */

#define BLOCK            16 /* bytes of a hash looked at together */
#define SEGMENT_NAME_MIN 13 /* of `00:00-0-temp-`, the shortest */
#define SUFFIX           ".ts"
#define SUFFIX_LEN       3
#define TOMBSTONE        ".tombstone"
#define TOMBSTONE_LEN    10
#define BAD_NAMES_MAX    100 /* bad names kept of an hour */

#define TEMPORARY      ".segment-coverage.tmp.%d"
#define TEMPORARY_SIZE 40
#define WRITERS_MAX    100 /* at the same time in one directory */

#define WHITE      " \t\r\n" /* between values of JSON */
#define PEER_DEPTH 64 /* levels of JSON in a peer's report */
#define VALUES_MAX 1000000 /* of it that cJSON gets */

#define RING_PER_JOB 2 /* hours read ahead of the accounting */

struct listing { /* of one hour directory */
	char *buf; /* owned; getdents64's records */
	size_t bufsz;
	size_t first; /* bytes of the first of two listings, or SIZE_MAX */
	struct segment *segs; /* owned; with bad names and tombstones */
	size_t segsz;
	const char *bad[BAD_NAMES_MAX + 1]; /* in buf; in byte order; the last
					       place is for one too many */
	size_t badsz;
};

/*
 * Numbers and calendar
 */

static bool
is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

/*
 * Returns the value of two digits, or -1.
 */
static int
digits_parse(const char *s)
{
	if (!is_digit(s[0]) || !is_digit(s[1]))
		return -1;
	return (s[0] - '0') * 10 + (s[1] - '0');
}

/*
 * Reads a fraction of up to six digits, in microseconds. Returns their number.
 */
static size_t
fraction_parse(const char *s, uint32_t *us)
{
	static const uint32_t scale[] = {
	    1000000, 100000, 10000, 1000, 100, 10, 1};
	uint32_t value = 0;
	size_t i;

	for (i = 0; i < 6 && is_digit(s[i]); i++)
		value = value * 10 + (uint32_t)(s[i] - '0');
	*us = value * scale[i];
	return i;
}

/*
 * Whether s is `D`, `D.D`, `D.` or `.D` with an optional exponent that has no
 * minus.
 */
static bool
is_number(const char *s)
{
	static const char digits[] = "0123456789";
	size_t fraction = 0, whole = strspn(s, digits);

	s += whole;
	if (*s == '.') {
		fraction = strspn(s + 1, digits);
		s += 1 + fraction;
	}
	if (*s == 'e' || *s == 'E') {
		s += s[1] == '+' ? 2 : 1;
		if (*s == '\0')
			return false;
		s += strspn(s, digits);
	}
	return whole + fraction > 0 && *s == '\0';
}

/*
 * Reads seconds as microseconds, rounded as CPython makes a timedelta of a
 * float: the nearest double, its whole seconds exact, its fraction times 1e6
 * rounded half to even. Returns -1 unless the text is a number in the form
 * of a segment's duration and at most max microseconds.
 */
int
seconds_parse(const char *s, size_t len, int64_t max, int64_t *us)
{
	char number[256];
	double seconds, micros;
	int64_t whole, rounded;

	if (len >= sizeof(number))
		return -1;
	memcpy(number, s, len);
	number[len] = '\0';
	if (!is_number(number))
		return -1;
	seconds = strtod(number, NULL);
	if (seconds > (double)max / SECOND + 1)
		return -1;
	whole = (int64_t)seconds;
	micros = (seconds - (double)whole) * SECOND;
	rounded = (int64_t)micros;
	micros -= (double)rounded;
	if (micros > 0.5 || (micros == 0.5 && rounded % 2 == 1))
		rounded++;
	*us = whole * SECOND + rounded;
	return *us > max ? -1 : 0;
}

/*
 * Reads a plain decimal of at most four digits before the point and six after
 * it: so short that CPython's rounding gives its very digits. Returns the first
 * byte that does not belong to it, or NULL if there is no digit.
 */
static const char *
seconds_plain(const char *s, int64_t *us)
{
	const char *start = s;
	uint32_t fraction = 0, whole = 0;
	size_t digits;

	for (; is_digit(*s) && s - start < 4; s++)
		whole = whole * 10 + (uint32_t)(*s - '0');
	digits = (size_t)(s - start);
	if (*s == '.') {
		digits += fraction_parse(s + 1, &fraction);
		s += 1 + (digits - (size_t)(s - start));
	}
	*us = whole * SECOND + fraction;
	return digits > 0 ? s : NULL;
}

/*
 * Reads `YYYY-MM-DD`, a real date in the years 1 to 9999. timegm() would take
 * a third of the time that peers' reports cost.
 */
static int
date_parse(const char *s, size_t len, int64_t *t)
{
	static const int before[] = {
	    0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	int century, day, days, leap, month, past, year;

	if (len < 10 || s[4] != '-' || s[7] != '-' ||
	    (century = digits_parse(s)) < 0 || (year = digits_parse(s + 2)) < 0)
		return -1;
	year += century * 100;
	month = digits_parse(s + 5);
	day = digits_parse(s + 8);
	leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
	    day > before[month] - before[month - 1] + (month == 2 && leap))
		return -1;
	past = year - 1;
	days = past * 365 + past / 4 - past / 100 + past / 400 +
	    before[month - 1] + (month > 2 && leap) + day - 1;
	*t = (days - 719162) * DAY; /* 1970-01-01 */
	return 0;
}

/*
 * Reads the name of an hour, exactly `YYYY-MM-DDTHH`.
 */
int
hour_parse(const char *s, int64_t *t)
{
	int hour;

	if (strlen(s) != 13 || date_parse(s, 13, t) != 0 || s[10] != 'T')
		return -1;
	hour = digits_parse(s + 11);
	if (hour < 0 || hour > 23)
		return -1;
	*t += hour * HOUR;
	return 0;
}

/*
 * Reads the byte `before` and two digits up to max, and moves *s past them.
 * Returns the number, or -1 if they are not there.
 */
static int
field_parse(const char **s, char before, int max)
{
	int value;

	if (**s != before || (value = digits_parse(*s + 1)) < 0 || value > max)
		return -1;
	*s += 3;
	return value;
}

/*
 * Reads an instant: a date; optionally `T` or a space and the hour, minute,
 * second and fraction, each optional; optionally `Z` or an offset.
 */
int
time_parse(const char *s, int64_t *t, bool *date_only)
{
	static const int64_t units[] = {HOUR, MINUTE, SECOND};
	uint32_t fraction = 0;
	int hours, minutes, sign, value;
	char before;
	size_t i;

	if (date_parse(s, strlen(s), t) != 0)
		return -1;
	s += 10;
	*date_only = *s == '\0';
	if (*date_only)
		return 0;
	for (i = 0; i < 3 && (i == 0 || *s == ':'); i++) {
		before = "T::"[i];
		if (i == 0 && *s == ' ')
			before = ' ';
		if ((value = field_parse(&s, before, i == 0 ? 23 : 59)) < 0)
			return -1;
		*t += value * units[i];
	}
	if (*s == '.' && i == 3) {
		if ((i = fraction_parse(s + 1, &fraction)) == 0)
			return -1;
		*t += fraction;
		s += 1 + i;
	}
	if (*s == '\0' || strcmp(s, "Z") == 0)
		return 0;
	if (*s != '+' && *s != '-')
		return -1;
	sign = *s == '+' ? 1 : -1;
	if ((hours = field_parse(&s, *s, 23)) < 0 ||
	    (minutes = field_parse(&s, ':', 59)) < 0 || *s != '\0')
		return -1;
	*t -= sign * (hours * HOUR + minutes * MINUTE);
	return 0;
}

/*
 * Puts at least n digits before p, and a byte before them. Returns where that
 * is.
 */
static char *
digits_put(char *p, int64_t value, int n, char before)
{
	do {
		*--p = (char)('0' + value % 10);
		value /= 10;
	} while (--n > 0 || value > 0);
	*--p = before;
	return p;
}

/*
 * Prints `2025-11-15T02`. The year must not be negative.
 */
void
hour_format(char buf[TIME_SIZE], int64_t t)
{
	time_t seconds = (time_t)(t / SECOND - (t % SECOND < 0));
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)snprintf(buf, TIME_SIZE, "%04d-%02d-%02dT%02d", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour);
}

/*
 * Prints `2025-11-15T02:45:51.608000Z`. The hour is mostly that of the call
 * before: to make it each time would cost JSON of many holes half as much
 * again.
 */
void
time_format(char buf[TIME_SIZE], int64_t t)
{
	static _Thread_local char name[TIME_SIZE];
	static _Thread_local int64_t hour = TIME_NONE;
	const int64_t rest = (t % HOUR + HOUR) % HOUR;
	char *end;

	if (hour != t - rest)
		hour_format(name, hour = t - rest);
	end = stpcpy(buf, name) + strlen(":45:51.608000");
	memcpy(end, "Z", sizeof("Z"));
	end = digits_put(end, rest % SECOND, 6, '.');
	end = digits_put(end, rest / SECOND % 60, 2, ':');
	(void)digits_put(end, rest / MINUTE, 2, ':');
}

/*
 * Prints seconds exactly, without trailing zeros: `2`, `2.002`, `-0.5`.
 */
void
seconds_format(char buf[TIME_SIZE], int64_t us)
{
	const uint64_t size = us < 0 ? -(uint64_t)us : (uint64_t)us;
	char text[TIME_SIZE], *end = text + TIME_SIZE - 1, *p;

	p = digits_put(end, (int64_t)(size % SECOND), 6, '.');
	while (end[-1] == '0')
		end--;
	end[end[-1] == '.' ? -1 : 0] = '\0';
	p = digits_put(p, (int64_t)(size / SECOND), 1, '-');
	p += us >= 0;
	memcpy(buf, p, strlen(p) + 1);
}

/*
 * Formats a duration for people: the longer, the coarser, but 0s only if it
 * is that.
 */
void
duration_format(char buf[TIME_SIZE], int64_t us)
{
	const int64_t step = us < MILLISECOND ? 1
	    : us < SECOND                     ? MILLISECOND
	    : us < HOUR                       ? SECOND / 10
	    : us < DAY                        ? SECOND
					      : HOUR;
	const int64_t t = (us + step / 2) / step * step;
	const int h = (int)(t % DAY / HOUR), m = (int)(t % HOUR / MINUTE);
	const int s = (int)(t % MINUTE / SECOND);
	const int tenths = (int)(t % SECOND / (SECOND / 10));

	if (t >= DAY)
		snprintf(buf, TIME_SIZE, "%" PRId64 "d%02dh", t / DAY, h);
	else if (t >= HOUR)
		snprintf(buf, TIME_SIZE, "%dh%02dm%02ds", h, m, s);
	else if (t >= MINUTE)
		snprintf(buf, TIME_SIZE, "%dm%02d.%ds", m, s, tenths);
	else if (t >= SECOND)
		snprintf(buf, TIME_SIZE, "%d.%ds", s, tenths);
	else if (t >= MILLISECOND)
		snprintf(buf, TIME_SIZE, "0.%03ds", (int)(t / MILLISECOND));
	else
		snprintf(buf, TIME_SIZE, t > 0 ? "0.%06ds" : "0s", (int)t);
}

/*
 * Formats an age with two units at most; 0s for what is still to come.
 */
void
age_format(char buf[TIME_SIZE], int64_t us)
{
	char *s;

	duration_format(buf, us > 0 ? us / 100000 * 100000 : 0);
	if (((s = strchr(buf, 'd')) != NULL && us >= 100 * DAY) ||
	    ((s = strchr(buf, 'm')) != NULL && strchr(buf, 'h') != NULL))
		s[1] = '\0';
	else if (s != NULL && (s = strchr(s, '.')) != NULL)
		memcpy(s, "s", sizeof("s"));
}

/*
 * Names of segments
 */

/*
 * Reads `MM:SS-`, or `MM:SS.f-` with a fraction of one to six digits. Like the
 * next two, moves *s past that; the '.' at the end of the name stops it.
 */
static int
offset_take(const char **s, uint32_t *offset)
{
	const char *p = *s;
	uint32_t fraction = 0;
	int minutes, seconds;
	size_t digits;

	if (p[2] != ':' || (minutes = digits_parse(p)) < 0 || minutes > 59 ||
	    (seconds = digits_parse(p + 3)) < 0 || seconds > 59)
		return -1;
	p += 5;
	if (*p == '.') {
		if ((digits = fraction_parse(p + 1, &fraction)) == 0)
			return -1;
		p += 1 + digits;
	}
	*s = p + 1;
	*offset = (uint32_t)(minutes * MINUTE + seconds * SECOND) + fraction;
	return *p == '-' ? 0 : -1;
}

static int
duration_take(const char **s, const char *end, uint32_t *duration)
{
	int64_t us;
	const char *dash = seconds_plain(*s, &us);

	if (dash == NULL || *dash != '-') {
		dash = memchr(*s, '-', (size_t)(end - *s));
		if (dash == NULL ||
		    seconds_parse(*s, (size_t)(dash - *s), DURATION_MAX, &us) !=
			0)
			return -1;
	}
	*s = dash + 1;
	*duration = (uint32_t)us;
	return us > DURATION_MAX ? -1 : 0;
}

static int
type_take(const char **s, const char *end, enum segment_type *type)
{
	static const char *const words[] = {
	    "full-", "suspect-", "partial-", "temp-"};
	size_t i, len;

	for (i = 0; i < LENGTH(words); i++) {
		len = strlen(words[i]);
		if ((size_t)(end - *s) < len || memcmp(*s, words[i], len) != 0)
			continue;
		*s += len;
		*type = (enum segment_type)i;
		return 0;
	}
	return -1;
}

/*
 * Whether all 16 bytes are of base64url's alphabet. Uses the compiler's
 * vectors: with a table of bits a run takes 6 % more CPU time.
 */
static bool
is_base64url(const char *s)
{
	unsigned char lower __attribute__((vector_size(BLOCK)));
	unsigned char x __attribute__((vector_size(BLOCK)));
	signed char good __attribute__((vector_size(BLOCK)));
	uint64_t half[2];

	memcpy(&x, s, sizeof(x));
	lower = x | 0x20;
	good =
	    ((lower - 'a') < 26) | ((x - '0') < 10) | (x == '-') | (x == '_');
	memcpy(half, &good, sizeof(half));
	return (half[0] & half[1]) == UINT64_MAX;
}

/*
 * Whether s is base64url without padding. The last two blocks may overlap.
 */
static bool
is_hash(const char *s, size_t len)
{
	char block[BLOCK];
	size_t i;

	if (len == 0 || len % 4 == 1)
		return false;
	if (len < BLOCK) {
		memset(block, 'A', sizeof(block));
		memcpy(block, s, len);
		return is_base64url(block);
	}
	for (i = 0; i + BLOCK < len; i += BLOCK)
		if (!is_base64url(s + i))
			return false;
	return is_base64url(s + len - BLOCK);
}

/*
 * Reads the name of a segment: its offset, duration and type.
 */
static int
segment_parse(const char *name, size_t len, struct segment *seg)
{
	const char *end, *s = name;

	if (len < SUFFIX_LEN + SEGMENT_NAME_MIN)
		return -1;
	end = name + len - SUFFIX_LEN;
	if (*end != '.' || offset_take(&s, &seg->offset) != 0 ||
	    duration_take(&s, end, &seg->duration) != 0 ||
	    type_take(&s, end, &seg->type) != 0)
		return -1;
	return seg->type == SEGMENT_TEMP || is_hash(s, (size_t)(end - s)) ? 0
									  : -1;
}

/*
 * Memory and spans
 */

/*
 * Returns what an allocation returned, and ends the program if that is NULL:
 * at once, for exit() would flush the very stream that has no memory.
 */
void *
need(void *allocated)
{
	if (allocated == NULL) {
		warnx("out of memory");
		_exit(EXIT_TROUBLE);
	}
	return allocated;
}

/*
 * Prints to a string, which the caller frees.
 */
char *
vcompose(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) == -1)
		s = need(NULL);
	return s;
}

char *
compose(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = vcompose(fmt, ap);
	va_end(ap);
	return s;
}

/*
 * Returns the array with room for at least one more element after its n.
 */
void *
array_room(void *array, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap == 0 ? 64 : *cap * 2;
	return need(reallocarray(array, *cap, size));
}

/*
 * Appends a name, which names then owns.
 */
void
names_add(struct names *names, char *name)
{
	names->v = array_room(names->v, &names->cap, names->n, sizeof(name));
	names->v[names->n++] = name;
}

void
names_free(struct names *names)
{
	while (names->n > 0)
		free(names->v[--names->n]);
	free(names->v);
	memset(names, 0, sizeof(*names));
}

/*
 * Cuts a span to the bounds. Returns whether anything is left of it.
 */
bool
span_cut(struct span *span, int64_t from, int64_t to)
{
	if (span->start < from)
		span->start = from;
	if (span->end > to)
		span->end = to;
	return span->start < span->end;
}

/*
 * Appends a span that starts no earlier than the last one ends.
 */
void
spans_add(struct spans *spans, int64_t start, int64_t end)
{
	struct span span = {start, end};

	spans->v = array_room(spans->v, &spans->cap, spans->n, sizeof(span));
	spans->v[spans->n++] = span;
}

/*
 * Adds a span that starts no earlier than the last one does. If the two
 * touch, they become one.
 */
void
spans_cover(struct spans *spans, int64_t start, int64_t end)
{
	struct span *last = spans->n > 0 ? &spans->v[spans->n - 1] : NULL;

	if (last == NULL || start > last->end)
		spans_add(spans, start, end);
	else if (end > last->end)
		last->end = end;
}

static int
span_compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/*
 * Sorts spans in any order, and joins those that overlap or touch.
 */
void
spans_sort(struct spans *spans)
{
	size_t i, n = spans->n;

	if (n > 1)
		qsort(spans->v, n, sizeof(*spans->v), span_compare);
	spans->n = 0;
	for (i = 0; i < n; i++)
		spans_cover(spans, spans->v[i].start, spans->v[i].end);
}

/*
 * Takes the spans from index *i on for as long as gaps are no longer than the
 * tolerance, joins them, and moves *i past them. Returns false at the end.
 */
bool
spans_join(const struct spans *spans, size_t *i, int64_t tolerance,
    struct span *joined)
{
	if (*i == spans->n)
		return false;
	*joined = spans->v[(*i)++];
	for (; *i < spans->n && spans->v[*i].start <= joined->end + tolerance;
	     (*i)++)
		joined->end = spans->v[*i].end;
	return true;
}

/*
 * Directories and files
 */

/*
 * Opens a directory below dirfd; with O_PATH it need not be readable. Returns
 * -1 with errno.
 */
int
directory_open(int dirfd, const char *name, int flags)
{
	int fd;

	do
		fd = openat(dirfd, name, flags | O_DIRECTORY | O_CLOEXEC);
	while (fd == -1 && errno == EINTR);
	return fd;
}

static int
name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * Lists the directory fd from its start: names that may be directories, or
 * links to them, but not hidden ones, into dirs; all others into rest, unless
 * that is NULL. Sorts both. Returns -1 with errno if it cannot be read to its
 * end.
 */
int
directory_list(int fd, struct names *dirs, struct names *rest)
{
	struct names *lists[] = {dirs, rest}, *to;
	struct dirent *d;
	int again = directory_open(fd, ".", O_RDONLY), error;
	size_t i;
	DIR *dp;

	if (again == -1)
		return -1;
	if ((dp = fdopendir(again)) == NULL) {
		(void)close(again);
		return -1;
	}
	while (errno = 0, (d = readdir(dp)) != NULL || errno == EINTR) {
		if (d == NULL || strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0)
			continue;
		to = rest;
		if (d->d_name[0] != '.' &&
		    (d->d_type == DT_DIR || d->d_type == DT_LNK ||
			d->d_type == DT_UNKNOWN))
			to = dirs;
		if (to != NULL)
			names_add(to, need(strdup(d->d_name)));
	}
	error = errno;
	(void)closedir(dp);
	for (i = 0; i < LENGTH(lists); i++)
		if ((to = lists[i]) != NULL && to->n > 1)
			qsort(to->v, to->n, sizeof(*to->v), name_compare);
	errno = error;
	return error == 0 ? 0 : -1;
}

/*
 * Reads a file of at most max bytes and terminates it. Returns NULL with
 * errno, or its bytes, which the caller frees.
 */
char *
file_read(const char *path, size_t max, size_t *size)
{
	FILE *fp = fopen(path, "re");
	size_t cap = READ_MIN;
	char *data = NULL;
	int error;

	if (fp == NULL)
		return NULL;
	*size = 0;
	do {
		data = need(realloc(data, cap + 1));
		*size += fread(data + *size, 1, cap - *size, fp);
		cap *= 2;
	} while (*size <= max && !feof(fp) && !ferror(fp));
	error = ferror(fp) ? errno : *size > max ? EFBIG : 0;
	(void)fclose(fp);
	if (error == 0) {
		data[*size] = '\0';
		return need(realloc(data, *size + 1));
	}
	free(data);
	errno = error;
	return NULL;
}

/*
 * Writes all of it. Returns -1 with errno.
 */
int
write_all(int fd, const char *data, size_t size)
{
	struct pollfd pfd = {fd, POLLOUT, 0};
	ssize_t n;

	while (size > 0)
		if ((n = write(fd, data, size)) >= 0) {
			data += n;
			size -= (size_t)n;
		} else if (errno == EAGAIN)
			(void)poll(&pfd, 1, -1);
		else if (errno != EINTR)
			return -1;
	return 0;
}

/*
 * Locks an open file, unless another process has; some file systems cannot.
 * Returns whether it is locked and still has the name, as far as can be told.
 */
static bool
file_claim(int dirfd, const char *name, int fd)
{
	struct stat named, open;

	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return false;
	if (fstat(fd, &open) != 0)
		return true;
	if (fstatat(dirfd, name, &named, AT_SYMLINK_NOFOLLOW) != 0)
		return errno != ENOENT;
	return open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

/*
 * Makes a temporary file in the directory, locked as long as it is open, by
 * the first name that no living writer has: what SIGKILL leaves behind does
 * not pile up. Returns -1 with errno.
 *
 * Removes a file whose writer is gone: a living one holds a lock. Opens it
 * only to lock it (for writing, as NFS wants), so a planted link does no harm.
 */
static int
temporary_make(int dirfd, char name[TEMPORARY_SIZE])
{
	int fd, i;

	for (i = 0; i < WRITERS_MAX; i++) {
		(void)snprintf(name, TEMPORARY_SIZE, TEMPORARY, i);
		fd = openat(
		    dirfd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd == -1 ? errno == ELOOP : file_claim(dirfd, name, fd))
			(void)unlinkat(dirfd, name, 0);
		if (fd != -1)
			(void)close(fd);
		fd = openat(
		    dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd == -1 && errno != EEXIST)
			return -1;
		/* another run may have taken it for stale before the lock */
		if (fd != -1 && file_claim(dirfd, name, fd))
			return fd;
		if (fd != -1)
			(void)close(fd);
	}
	return -1;
}

/*
 * Puts the data in the place of a file, mode 0644 whatever the umask. Returns
 * -1 with errno if that failed; the old file is then as it was. Signals wait
 * meanwhile: nothing else would remove the temporary file.
 */
int
file_replace(int dirfd, const char *name, const char *data, size_t size)
{
	char temporary[TEMPORARY_SIZE];
	sigset_t all, before;
	int copy, error = 0, fd;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	if ((fd = temporary_make(dirfd, temporary)) == -1)
		error = errno;
	else if (write_all(fd, data, size) != 0 || fchmod(fd, 0644) != 0 ||
	    (copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1 ||
	    close(copy) != 0 || /* the lock stays with fd */
	    renameat(dirfd, temporary, dirfd, name) != 0) {
		error = errno;
		(void)unlinkat(dirfd, temporary, 0);
	}
	if (fd != -1)
		(void)close(fd);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return error == 0 ? 0 : -1;
}

/*
 * One hour directory listed
 */

/*
 * Appends the directory's records to those in buf; then, with `again`, all of
 * them once more.
 */
static int
records_read(int fd, bool again, struct listing *l)
{
	char *grown;
	size_t cap = 0;
	long n;

	for (l->first = SIZE_MAX;;) {
		if (cap - l->bufsz < READ_MIN) {
			cap = cap == 0 ? READ_FIRST : cap * 2;
			errno = EFBIG;
			if (cap > UINT32_MAX ||
			    (grown = realloc(l->buf, cap)) == NULL)
				return -1;
			l->buf = grown;
		}
		n = syscall(
		    SYS_getdents64, fd, l->buf + l->bufsz, cap - l->bufsz);
		if (n > 0)
			l->bufsz += (size_t)n;
		else if (n == -1 && errno != EINTR)
			return -1;
		else if (n == 0 && (!again || l->first != SIZE_MAX))
			return 0;
		else if (n == 0) {
			l->first = l->bufsz;
			if (lseek(fd, 0, SEEK_SET) != 0)
				return -1;
		}
	}
}

/*
 * Asks what a name stands for. That it is gone, or leads nowhere, is no
 * trouble; of what else fails the first is remembered.
 */
static int
name_stat(int fd, const char *name, struct stat *st, struct reading *r)
{
	if (fstatat(fd, name, st, 0) == 0)
		return 0;
	if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP &&
	    errno != ENAMETOOLONG && r->failed_errno == 0) {
		r->failed_errno = errno;
		r->failed = strdup(name);
	}
	return -1;
}

/*
 * Whether the entry is a regular file or a link to one. Only links, and file
 * systems that do not give types, cost a stat. A file that is gone by then
 * counts as regular.
 */
static bool
is_regular(int fd, const struct dirent *d, struct reading *r)
{
	struct stat st;

	if (d->d_type != DT_LNK && d->d_type != DT_UNKNOWN)
		return d->d_type == DT_REG;
	if (name_stat(fd, d->d_name, &st, r) == 0)
		return S_ISREG(st.st_mode);
	return d->d_type == DT_UNKNOWN && errno == ENOENT &&
	    fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0;
}

/*
 * Takes segments, bad names and tombstones from the records in buf. A
 * tombstone gets the name of what it hides. Only those of the first listing
 * count: one made since may hide a segment whose successor the second listing
 * has missed.
 */
static int
records_take(int fd, struct listing *l, struct reading *r)
{
	bool tombstone;
	char *end, *name;
	struct dirent *d;
	struct segment *seg;
	size_t at, len;

	l->segs = reallocarray(NULL, l->bufsz / RECORD_MIN + 1, sizeof(*seg));
	if ((seg = l->segs) == NULL)
		return -1;
	for (at = 0; at < l->bufsz; at += d->d_reclen) {
		d = (void *)(l->buf + at);
		name = d->d_name;
		if (name[0] == '.')
			continue;
		/* the name ends in the record's last eight bytes */
		end = l->buf + at + d->d_reclen - 8;
		for (end = end < name ? name : end; *end != '\0';)
			end++;
		len = (size_t)(end - name);
		tombstone = len <= SUFFIX_LEN ||
		    memcmp(end - SUFFIX_LEN, SUFFIX, SUFFIX_LEN) != 0;
		if (tombstone) {
			end -= TOMBSTONE_LEN;
			if (at >= l->first || len <= TOMBSTONE_LEN ||
			    strcmp(end, TOMBSTONE) != 0)
				continue;
			memcpy(end, SUFFIX, sizeof(SUFFIX));
			len -= TOMBSTONE_LEN - SUFFIX_LEN;
		}
		if (segment_parse(name, len, seg) != 0) {
			seg->offset = HOUR;
			seg->type = SEGMENT_BAD;
		}
		if (tombstone)
			seg->type = SEGMENT_TOMBSTONE;
		else if (seg->type != SEGMENT_BAD && !is_regular(fd, d, r))
			seg->type = SEGMENT_BAD;
		seg->name = (uint32_t)(name - l->buf);
		seg++;
	}
	l->segsz = (size_t)(seg - l->segs);
	return 0;
}

static int
segment_compare(const void *a, const void *b, void *buf)
{
	const struct segment *x = a, *y = b;
	int order = (x->offset > y->offset) - (x->offset < y->offset);

	if (order == 0)
		order = strcmp((char *)buf + x->name, (char *)buf + y->name);
	return order != 0 ? order : (x->type > y->type) - (x->type < y->type);
}

/*
 * Sorts what was listed by start, then by name, then by type, into r->best. An
 * ordinary hour has a bucket for each segment: where a file system lists names
 * in no order, a run with one qsort_r() takes 15 % more CPU time.
 */
static int
segments_sort(const struct listing *l, struct reading *r)
{
	size_t ends[BUCKETS] = {0}, end, i, start = 0;
	const struct segment *from = l->segs;
	struct segment *segs;

	segs = r->best = reallocarray(NULL, l->segsz + 1, sizeof(*segs));
	if (segs == NULL)
		return -1;
	for (i = 0; i < l->segsz; i++)
		ends[from[i].offset / BUCKET]++;
	for (i = 0; i < BUCKETS; i++) {
		end = start + ends[i];
		ends[i] = start;
		start = end;
	}
	for (i = 0; i < l->segsz; i++)
		segs[ends[from[i].offset / BUCKET]++] = from[i];
	for (i = 0, start = 0; i < BUCKETS; start = ends[i++])
		if (ends[i] - start > 1)
			qsort_r(segs + start, ends[i] - start, sizeof(*segs),
			    segment_compare, l->buf);
	return 0;
}

/*
 * Counts a bad name, and keeps it if it is one of the first.
 */
static void
bad_take(struct listing *l, struct counts *counts, const char *name)
{
	size_t i = l->badsz;

	counts->bad++;
	l->badsz += l->badsz < BAD_NAMES_MAX;
	for (; i > 0 && strcmp(name, l->bad[i - 1]) < 0; i--)
		l->bad[i] = l->bad[i - 1];
	l->bad[i] = name;
}

/*
 * Copies the first bad names, which are gone with the listing.
 */
static int
bad_names_keep(struct names *names, const struct listing *l)
{
	char *copy;

	if (l->badsz > 0 && (names->v = calloc(l->badsz, sizeof(copy))) == NULL)
		return -1;
	while (names->n < l->badsz) {
		if ((copy = strdup(l->bad[names->n])) == NULL)
			return -1;
		names->v[names->n++] = copy;
	}
	return 0;
}

/*
 * Counts and drops what only counts: what is hidden, still being downloaded,
 * bad, ahead of the clock or, with --sizes, empty. Drops what starts after
 * `until`, and names that were listed twice: such a name is bad only if it was
 * both times.
 */
static int
listing_sift(int fd, struct listing *l, const struct options *opt,
    int64_t until, struct reading *r)
{
	struct counts *counts = &r->hour.counts;
	const int64_t ahead = opt->now + AHEAD - r->hour.time;
	struct segment *seg, *segs = r->best;
	const char *name;
	size_t i, kept = 0;
	struct stat st;

	for (i = 0; i < l->segsz; i++) {
		seg = &segs[i];
		name = l->buf + seg->name;
		if (i > 0 && seg[-1].offset == seg->offset &&
		    strcmp(l->buf + seg[-1].name, name) == 0)
			counts->tombstoned +=
			    seg[-1].type == SEGMENT_TOMBSTONE &&
			    seg->type != SEGMENT_TOMBSTONE;
		else if (seg->type == SEGMENT_TOMBSTONE)
			continue;
		else if (seg->type == SEGMENT_BAD)
			bad_take(l, counts, name);
		else if (seg->type == SEGMENT_TEMP)
			counts->temp++;
		else if (seg->offset > ahead)
			counts->ahead++;
		else if (opt->sizes && name_stat(fd, name, &st, r) == 0 &&
		    st.st_size == 0) {
			counts->empty++;
			bad_take(l, counts, name);
		} else if (until == TIME_NONE ||
		    r->hour.time + seg->offset <= until)
			segs[kept++] = *seg;
	}
	l->segsz = kept;
	return opt->verbose || opt->format == FORMAT_JSON
	    ? bad_names_keep(&r->hour.bad_names, l)
	    : 0;
}

/*
 * The best segment of each start
 */

static void
tally_add(struct tally *tally, int64_t duration)
{
	tally->count++;
	tally->duration += duration;
}

/*
 * Returns the best of segments with the same start: the longest full one,
 * otherwise the largest suspect, otherwise the largest partial one; the last of
 * equals. Asks for sizes only if two compete.
 */
static const struct segment *
best_choose(int fd, const struct listing *l, const struct segment *first,
    const struct segment *end, struct reading *r)
{
	const struct segment *best = first, *seg;
	enum segment_type type;
	int64_t most = -1, value;
	size_t rivals = 0;
	struct stat st;

	for (seg = first; seg < end; seg++) {
		if (seg->type <= best->type)
			rivals = seg->type == best->type ? rivals + 1 : 1;
		if (seg->type < best->type)
			best = seg;
	}
	type = best->type;
	for (seg = best; rivals > 1 && seg < end; seg++) {
		if (seg->type != type)
			continue;
		value = seg->duration;
		if (type != SEGMENT_FULL)
			value = name_stat(fd, l->buf + seg->name, &st, r) == 0
			    ? st.st_size
			    : errno == ENOENT ? 0
					      : -1;
		if (value >= most) {
			best = seg;
			most = value;
		}
	}
	return best;
}

/*
 * Counts the listed segments and keeps the best of each start.
 */
static void
best_take(int fd, const struct listing *l, struct reading *r)
{
	struct counts *counts = &r->hour.counts;
	const struct segment *best, *last = r->best + l->segsz, *next, *seg;
	int64_t end;

	for (seg = r->best; seg < last;) {
		next = seg + 1;
		while (next < last && next->offset == seg->offset)
			next++;
		best = next - seg == 1 ? seg : best_choose(fd, l, seg, next, r);
		for (; seg < next; seg++) {
			tally_add(&counts->segments[seg->type], seg->duration);
			if (seg != best)
				tally_add(&counts->overlaps[seg->type],
				    seg->duration);
		}
		if (best->type != SEGMENT_FULL)
			tally_add(&counts->incomplete, best->duration);
		end = r->hour.time + best->offset + best->duration;
		if (end > r->hour.end)
			r->hour.end = end;
		r->best[r->bestsz++] = *best;
	}
	if (r->bestsz > 0)
		r->hour.start = r->hour.time + r->best[0].offset;
}

/*
 * Reads the hour directory of this time below the quality's directory dirfd.
 * r is zeroed the first time; then hour.bad_names and failed must have found a
 * new owner. If the hour cannot be read to its end, r->error says why and the
 * rest of r says nothing about it.
 *
 * A listing can miss a file that is being renamed, under both names. Unless
 * `until` is TIME_NONE the directory is listed twice and the names of both are
 * taken, but for segments that start after it: those are not expected yet.
 */
void
hour_read(const struct options *opt, int dirfd, int64_t time, int64_t until,
    struct reading *r)
{
	char name[TIME_SIZE];
	struct listing l = {.buf = NULL};
	struct stat st;
	int fd;

	free(r->best);
	memset(r, 0, sizeof(*r));
	r->hour.time = time;
	r->hour.start = r->hour.end = r->changed = TIME_NONE;
	hour_format(name, time);
	fd = directory_open(dirfd, name, O_RDONLY);
	if (fd == -1 || records_read(fd, until != TIME_NONE, &l) != 0 ||
	    fstat(fd, &st) != 0 || records_take(fd, &l, r) != 0 ||
	    segments_sort(&l, r) != 0 ||
	    listing_sift(fd, &l, opt, until, r) != 0)
		r->error = errno;
	else {
		r->changed =
		    st.st_mtim.tv_sec * SECOND + st.st_mtim.tv_nsec / 1000;
		best_take(fd, &l, r);
	}
	r->hour.readable = r->error == 0;
	free(l.segs);
	free(l.buf);
	if (fd != -1)
		(void)close(fd);
}

/*
 * The pool: the hours of a quality, read by several threads, taken in order
 */
struct pool {
	const struct options *opt;
	int dirfd; /* of the quality */
	const int64_t *times; /* of the hours */
	size_t n;
	atomic_size_t claimed; /* hours given to a thread */
	size_t taken; /* hours handed over; the last is still in use */
	sem_t room; /* hours that the ring has room for */
	pthread_t *threads; /* owned */
	size_t threadsz;
	size_t ringsz;
	struct slot {
		struct reading reading;
		sem_t done;
	} ring[]; /* hour i is in i % ringsz */
};

static void *
pool_work(void *arg)
{
	struct pool *pool = arg;
	struct slot *slot;
	size_t i;

	for (;;) {
		while (sem_wait(&pool->room) != 0)
			continue;
		if ((i = pool->claimed++) >= pool->n)
			return NULL;
		slot = &pool->ring[i % pool->ringsz];
		hour_read(pool->opt, pool->dirfd, pool->times[i], TIME_NONE,
		    &slot->reading);
		(void)sem_post(&slot->done);
	}
}

/*
 * Starts to read n hours below dirfd in opt->jobs threads. Returns the pool,
 * which pool_next() ends.
 */
struct pool *
pool_start(const struct options *opt, int dirfd, const int64_t *times, size_t n)
{
	size_t i, jobs = opt->jobs, ringsz = jobs * RING_PER_JOB + 1;
	struct pool *pool;

	pool = need(calloc(1, sizeof(*pool) + ringsz * sizeof(*pool->ring)));
	pool->opt = opt;
	pool->dirfd = dirfd;
	pool->times = times;
	pool->n = n;
	pool->ringsz = ringsz;
	pool->threads = need(calloc(jobs, sizeof(*pool->threads)));
	(void)sem_init(&pool->room, 0, (unsigned)ringsz - 1);
	for (i = 0; i < ringsz; i++)
		(void)sem_init(&pool->ring[i].done, 0, 0);
	for (i = 0; i < jobs && i < n; i++)
		if (pthread_create(&pool->threads[pool->threadsz], NULL,
			pool_work, pool) == 0)
			pool->threadsz++;
	return pool;
}

/*
 * Returns the next hour once it has been read. It is the caller's until the
 * next call. If no thread could be started, the caller reads. After the last
 * hour returns NULL and ends the pool.
 */
struct reading *
pool_next(struct pool *pool)
{
	struct slot *slot = &pool->ring[pool->taken % pool->ringsz];
	size_t i;

	if (pool->taken < pool->n && pool->threadsz == 0)
		hour_read(pool->opt, pool->dirfd, pool->times[pool->taken],
		    TIME_NONE, &slot->reading);
	else if (pool->taken < pool->n) {
		(void)sem_post(&pool->room);
		while (sem_wait(&slot->done) != 0)
			continue;
	} else {
		for (i = 0; i < pool->threadsz; i++)
			(void)sem_post(&pool->room);
		for (i = 0; i < pool->threadsz; i++)
			(void)pthread_join(pool->threads[i], NULL);
		for (i = 0; i < pool->ringsz; i++)
			free(pool->ring[i].reading.best);
		free(pool->threads);
		free(pool);
		return NULL;
	}
	pool->taken++;
	return &slot->reading;
}

/*
 * Names made safe to print
 */

/*
 * Decodes the code point at *s and moves past it. Returns -1 and moves by one
 * byte if no well-formed UTF-8 sequence starts there.
 */
long
utf8_next(const char **s)
{
	static const long least[] = {0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)*s;
	int i, more = p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
	long code = p[0] & (0x3f >> more);

	(*s)++;
	if (p[0] < 0x80)
		return p[0];
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return -1;
	for (i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[more] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return -1;
	*s += more;
	return code;
}

/*
 * Returns the number of characters in s; an invalid byte counts as one.
 */
size_t
utf8_length(const char *s)
{
	size_t n;

	for (n = 0; *s != '\0'; n++)
		(void)utf8_next(&s);
	return n;
}

/*
 * Returns a copy of the name that is safe to write to a terminal; the caller
 * frees it. What would not show as itself becomes \xNN: control characters,
 * what is invisible or changes the text's direction, invalid UTF-8, and without
 * utf8 every byte from 0x80 on. A backslash is doubled.
 */
char *
name_printable(const char *name, bool utf8)
{
	static const long hidden[][2] = {{LONG_MIN, 0x1f}, {0x7f, 0x9f},
	    {0x61c, 0x61c}, {0x200b, 0x200f}, {0x2028, 0x202e},
	    {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
	    {0xe0000, 0xe0fff}};
	const char *from;
	char *out, *printable;
	long code;
	size_t i;

	printable = need(reallocarray(NULL, strlen(name) + 1, 4));
	for (out = printable; *name != '\0';) {
		from = name;
		code = utf8_next(&name);
		for (i = 0; i < LENGTH(hidden) &&
		     (code < hidden[i][0] || code > hidden[i][1]);)
			i++;
		if (code == '\\')
			*out++ = '\\';
		for (; from < name; from++)
			if (i == LENGTH(hidden) && (utf8 || code < 0x80))
				*out++ = *from;
			else
				out += sprintf(
				    out, "\\x%02x", (unsigned char)*from);
	}
	*out = '\0';
	return printable;
}

/*
 * Peers' reports
 *
 * These bytes are not trusted: their size, depth and values are limited.
 */

static void *
allocate(size_t size)
{
	return need(malloc(size));
}

/*
 * Sets the peer's message, of which the arguments may be part. Returns -1, for
 * readers to pass on.
 */
static int __attribute__((format(printf, 2, 3)))
broken(struct peer *peer, const char *fmt, ...)
{
	char *inner = peer->message;
	va_list ap;

	va_start(ap, fmt);
	peer->message = vcompose(fmt, ap);
	va_end(ap);
	free(inner);
	return -1;
}

/*
 * Copies the text to slim, but of every array within a report only its offset,
 * `[17]`: they are most of it, and cJSON would take longer for them than all
 * the rest takes. Rejects what is truncated, of too many values, or nested so
 * deep that cJSON, which is recursive, could overflow the stack.
 */
static int
text_slim(struct peer *peer, char *slim)
{
	const char *from = peer->text, *s;
	size_t cut = 0, depth = 0, values = 0;

	for (s = from; *s != '\0'; s++)
		if (*s == '"') {
			while (*(s += 1 + strcspn(s + 1, "\"\\")) == '\\')
				s += s[1] != '\0';
			if (*s == '\0')
				return broken(peer, "truncated JSON");
		} else if (*s == '[' || *s == '{') {
			if (*s == '[' && depth > 2 && cut == 0) {
				cut = depth;
				slim = mempcpy(slim, from, (size_t)(s - from));
				slim += snprintf(
				    slim, TIME_SIZE, "[%td]", s - peer->text);
			}
			if (++depth > PEER_DEPTH)
				return broken(peer,
				    "JSON nested deeper than %d", PEER_DEPTH);
		} else if ((*s == ']' || *s == '}') && depth > 0 &&
		    --depth == cut && cut > 0) {
			from = s + 1;
			cut = 0;
		} else if (*s == ',' && cut == 0 && ++values == VALUES_MAX)
			return broken(peer, "JSON of too many values");
	(void)memcpy(slim, from, (size_t)(s - from) + 1);
	return depth > 0 ? broken(peer, "truncated JSON") : 0;
}

static const cJSON *
member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

/*
 * Null leaves the instant as it is.
 */
static int
instant_read(
    struct peer *peer, const cJSON *object, const char *key, int64_t *t)
{
	const cJSON *value = member(object, key);
	const char *text = cJSON_GetStringValue(value);
	bool date_only;

	if (cJSON_IsNull(value))
		return 0;
	if (text == NULL)
		return broken(peer, "%s is not an instant", key);
	if (time_parse(text, t, &date_only) == 0)
		return 0;
	return broken(peer, "%s is not an instant: %.40s", key, text);
}

/*
 * Reads the instant of a key, written with its quotes, of the object at s.
 */
static int
instant_find(const char *s, const char *end, const char *key, int64_t *t)
{
	const size_t length = strlen(key);
	char time[TIME_SIZE];
	const char *quote;
	bool date_only;

	if ((s = memmem(s, (size_t)(end - s), key, length)) == NULL)
		return -1;
	s += length + strspn(s + length, ": \t\r\n");
	if (*s++ != '"' ||
	    (quote = memchr(s, '"', (size_t)(end - s))) == NULL ||
	    quote - s >= TIME_SIZE)
		return -1;
	*(char *)mempcpy(time, s, (size_t)(quote - s)) = '\0';
	return time_parse(time, t, &date_only);
}

/*
 * Reads the spans of object.outer.inner, an array's offset. Where hours are
 * named the last one is part of the span.
 */
static int
spans_read(struct peer *peer, const cJSON *object, const char *outer,
    const char *inner, struct spans *spans)
{
	const cJSON *offset = member(member(object, outer), inner);
	const bool hours = strcmp(inner, "ranges") == 0;
	const char *start = hours ? "\"first\"" : "\"start\"";
	const char *stop = hours ? "\"last\"" : "\"end\"";
	const char *end, *fault = NULL, *s;
	struct span span;
	size_t i;

	if (!cJSON_IsArray(offset))
		return broken(peer, "%s.%s is not an array", outer, inner);
	s = peer->text + (size_t)offset->child->valuedouble + 1;
	s += strspn(s, WHITE);
	for (i = 0; *s != ']'; i++) {
		end = strchr(s, '}');
		if (*s != '{' || end == NULL ||
		    instant_find(s, end, start, &span.start) != 0)
			fault = "start is not an instant";
		else if (instant_find(s, end, stop, &span.end) != 0)
			fault = "end is not an instant";
		else if (span.end < span.start)
			fault = "end is before start";
		if (fault != NULL)
			return broken(
			    peer, "%s.%s[%zu]: %s", outer, inner, i, fault);
		span.end += hours ? HOUR : 0;
		if (span.end > span.start)
			spans_add(spans, span.start, span.end);
		s = end + 1 + strspn(end + 1, WHITE);
		if (*s == ',')
			s += 1 + strspn(s + 1, WHITE);
		else if (*s != ']')
			return broken(
			    peer, "%s.%s[%zu]: no comma", outer, inner, i);
	}
	spans_sort(spans);
	return 0;
}

/*
 * Reads one quality. If the node could not read everything and reports no
 * segment, or is of version 1.0 and does not name the hours, nothing is known:
 * the state is STATE_UNREADABLE.
 */
static int
quality_read(
    struct peer *peer, const cJSON *object, bool complete, struct report *r)
{
	const cJSON *channel = member(object, "channel");
	const cJSON *quality = member(object, "quality");
	const cJSON *found = member(object, "found");
	const bool hours = member(object, "unreadable_hours") != NULL;

	*r = (struct report){.start = TIME_NONE, .end = TIME_NONE};
	if (!cJSON_IsString(channel))
		return broken(peer, "channel is not a string");
	if (!cJSON_IsString(quality))
		return broken(peer, "quality is not a string");
	if (!cJSON_IsBool(found))
		return broken(peer, "found is neither true nor false");
	r->channel = need(strdup(channel->valuestring));
	r->quality = need(strdup(quality->valuestring));
	if (instant_read(peer, object, "start", &r->start) != 0 ||
	    instant_read(peer, object, "end", &r->end) != 0 ||
	    spans_read(peer, object, "raw", "holes", &r->raw.holes) != 0 ||
	    spans_read(peer, object, "incomplete", "spans", &r->incomplete) !=
		0 ||
	    (hours &&
		spans_read(peer, object, "unreadable_hours", "ranges",
		    &r->unreadable) != 0))
		return -1;
	if ((r->start == TIME_NONE) != (r->end == TIME_NONE))
		return broken(peer, "only one of start and end is null");
	if (r->end < r->start)
		return broken(peer, "end is before start");
	r->newest = r->end;
	if (!complete && (r->start == TIME_NONE || !hours))
		r->state = STATE_UNREADABLE;
	else
		r->state = cJSON_IsTrue(found) ? STATE_READ : STATE_ABSENT;
	return 0;
}

/*
 * For qsort(): orders reports by channel, then by quality.
 */
int
quality_compare(const void *a, const void *b)
{
	const struct report *p = a, *q = b;
	int order = strcmp(p->channel, q->channel);

	return order != 0 ? order : strcmp(p->quality, q->quality);
}

/*
 * Returns what a usable peer reports of r's quality, or NULL.
 */
const struct report *
peer_report(const struct peer *peer, const struct report *r)
{
	if (peer->message != NULL || peer->reportsz == 0)
		return NULL;
	return bsearch(
	    r, peer->reports, peer->reportsz, sizeof(*r), quality_compare);
}

/*
 * Reads the whole document. The reports are then sorted.
 */
static int
root_read(struct peer *peer, const cJSON *root)
{
	const cJSON *complete = member(root, "complete"), *element;
	const cJSON *reports = member(root, "reports");
	const double tolerance =
	    cJSON_GetNumberValue(member(root, "tolerance"));
	const cJSON *version = member(root, "schema_version");
	int64_t last = INT64_MAX - HOUR;
	size_t cap = 0;

	if (!cJSON_IsNumber(version))
		return broken(peer, "not a report of " PROGRAM);
	if (version->valuedouble != 1)
		return broken(
		    peer, "schema_version is %g, not 1", version->valuedouble);
	if (instant_read(peer, root, "generated_at", &peer->generated_at) ||
	    instant_read(peer, root, "first_hour", &peer->window.start) ||
	    instant_read(peer, root, "last_hour", &last))
		return -1;
	if (peer->generated_at == TIME_NONE)
		return broken(peer, "generated_at is null");
	peer->window.end = last + HOUR;
	if (peer->window.end <= peer->window.start)
		return broken(peer, "last_hour is before first_hour");
	if (!cJSON_IsBool(complete))
		return broken(peer, "complete is neither true nor false");
	if (!cJSON_IsArray(reports))
		return broken(peer, "reports is not an array");
	if (!(tolerance >= 0 && tolerance <= 3600)) /* or NaN */
		return broken(peer, "tolerance is not from 0 to 3600");
	peer->tolerance = (int64_t)(tolerance * SECOND + 0.5);
	cJSON_ArrayForEach(element, reports)
	{
		peer->reports = array_room(peer->reports, &cap, peer->reportsz,
		    sizeof(*peer->reports));
		if (quality_read(peer, element, cJSON_IsTrue(complete),
			&peer->reports[peer->reportsz++]) != 0)
			return broken(peer, "reports[%zu]: %s",
			    peer->reportsz - 1, peer->message);
	}
	if (peer->reportsz > 0)
		qsort(peer->reports, peer->reportsz, sizeof(*peer->reports),
		    quality_compare);
	return 0;
}

/*
 * Reads the report of peers[n], whose name and file are set; those before it
 * have been read. The text's size does not count its final NUL. If the report
 * cannot be used, or has a quality that it or an earlier file of the node has
 * as well, the message says so.
 */
void
peer_parse(struct peer *peers, size_t n, const char *text, size_t size)
{
	const char first = text[strspn(text, WHITE)];
	struct peer *earlier, *peer = &peers[n];
	/* `[12345678]` may come in the place of `[]` */
	char *slim = need(malloc(size * 5 + TIME_SIZE));
	const struct report *r;
	cJSON *root = NULL;
	size_t i;

	cJSON_InitHooks(&(cJSON_Hooks){allocate, free});
	peer->text = text;
	peer->generated_at = TIME_NONE;
	peer->window.start = INT64_MIN;
	if (strlen(text) < size)
		(void)broken(peer, "not JSON: it has a NUL byte");
	else if (first == '\0' || first == '<')
		(void)broken(peer, first == '<' ? "HTML, not JSON" : "empty");
	else if (text_slim(peer, slim) != 0)
		;
	else if ((root = cJSON_ParseWithOpts(slim, NULL, true)) == NULL)
		(void)broken(
		    peer, "not JSON from here on: %.20s", cJSON_GetErrorPtr());
	else
		(void)root_read(peer, root);
	cJSON_Delete(root);
	free(slim);
	for (i = 0; i < peer->reportsz && peer->message == NULL; i++)
		for (earlier = peers; earlier <= peer; earlier++) {
			r = peer_report(earlier, &peer->reports[i]);
			if (r != NULL && r != &peer->reports[i] &&
			    strcmp(earlier->name, peer->name) == 0)
				(void)broken(peer, "%s/%s is already in %s",
				    r->channel, r->quality, earlier->file);
		}
	if (peer->message != NULL)
		peer->generated_at = TIME_NONE;
}

/*
 * Frees the peers and the array.
 */
void
peers_free(struct peer *peers, size_t peersz)
{
	struct peer *peer;
	struct report *r;
	size_t i;

	for (i = 0; i < peersz; i++) {
		peer = &peers[i];
		for (r = peer->reports; peer->reportsz > 0; r++) {
			free((char *)r->channel);
			free((char *)r->quality);
			free(r->raw.holes.v);
			free(r->incomplete.v);
			free(r->unreadable.v);
			peer->reportsz--;
		}
		free(peer->reports);
		free(peer->message);
	}
	free(peers);
}
