/*
 * SPDX-License-Identifier: MIT
 *
 * The disk: what names mean, and what one hour directory holds.
 *
 * hour_read() is called from several threads at once. Only need() ends the
 * program, and only main's thread calls it.
 */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "segparse.h"

#define READ_MIN   65536 /* least room for each getdents64 */
#define READ_FIRST 262144 /* holds an ordinary hour whole */

#define BUCKET  (2 * SECOND) /* of starts that are sorted together */
#define BUCKETS (HOUR / BUCKET)

#define BLOCK            16 /* bytes of a hash looked at together */
#define SEGMENT_NAME_MIN 13 /* of `00:00-0-temp-`, the shortest */
#define SUFFIX           ".ts"
#define SUFFIX_LEN       3
#define TOMBSTONE        ".tombstone"
#define TOMBSTONE_LEN    10

#define TEMPORARY      ".segment-coverage.tmp.%d"
#define TEMPORARY_SIZE 40
#define WRITERS_MAX    100 /* at the same time in one directory */

#define RING_PER_JOB 2 /* hours read ahead of the accounting */

struct strings {
	const char **v; /* owned; the strings are not */
	size_t n;
	size_t cap;
};

struct listing { /* of one hour directory */
	struct segment *segs; /* owned; by start, then by name */
	size_t segsz;
	size_t segcap;
	struct strings bad; /* names into buf, in byte order */
	struct strings tombstones; /* likewise */
	char *buf; /* owned; getdents64's records */
	size_t bufsz;
	size_t bufcap;
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
 * Reads two digits. Returns their value, or -1.
 */
static int
digits_parse(const char *s)
{
	if (!is_digit(s[0]) || !is_digit(s[1]))
		return -1;
	return (s[0] - '0') * 10 + (s[1] - '0');
}

/*
 * Reads a fraction of one to six digits, in microseconds. Returns the number
 * of digits, 0 if there is none.
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
 * it. Returns the first byte that does not belong to it, or NULL if there is
 * no digit.
 *
 * The nearest double is within 0.3 us of so short a decimal, so CPython's
 * rounding gives its very digits.
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
	strcpy(end, "Z");
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
	strcpy(buf, us < 0 ? p : p + 1);
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
 * Formats an instant as `2025-11-15T02:45:51` with that many digits of a
 * fraction.
 */
void
moment_format(char buf[TIME_SIZE], int64_t t, size_t digits)
{
	char *s;

	time_format(buf, t);
	if ((s = strchr(buf, '.')) != NULL)
		s[digits > 0 ? digits + 1 : 0] = '\0';
}

/*
 * Names of segments
 */

/*
 * Each of the following functions reads one part of a name and the '-' after
 * it, and moves *s past them. The '.' at the end of the name stops them.
 */

/*
 * Reads `MM:SS-`, or `MM:SS.f-` with a fraction of one to six digits.
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
 * Whether s is base64url without padding. The last block may overlap the one
 * before it.
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
 * Reads the name of a segment, of length len. Fills in offset, duration and
 * type. Returns -1 for a bad name.
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
 * Appends a name, which names then owns.
 */
void
names_add(struct names *names, char *name)
{
	names->v = need(
	    array_room(names->v, &names->cap, names->n, sizeof(*names->v)));
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
 * Returns the array with room for at least one more element after its n, or
 * NULL when out of memory; the array is then unchanged.
 */
void *
array_room(void *array, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap == 0 ? 64 : *cap * 2;

	if (n < *cap)
		return array;
	if ((array = reallocarray(array, want, size)) != NULL)
		*cap = want;
	return array;
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
	spans->v = need(
	    array_room(spans->v, &spans->cap, spans->n, sizeof(*spans->v)));
	spans->v[spans->n++] = (struct span){start, end};
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
string_compare(const void *a, const void *b)
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
	struct dirent *d;
	int again = directory_open(fd, ".", O_RDONLY), error;
	DIR *dp;

	if (again == -1)
		return -1;
	if ((dp = fdopendir(again)) == NULL) {
		(void)close(again);
		return -1;
	}
	while (errno = 0, (d = readdir(dp)) != NULL || errno == EINTR) {
		if (d == NULL)
			continue;
		if (d->d_name[0] != '.' &&
		    (d->d_type == DT_DIR || d->d_type == DT_LNK ||
			d->d_type == DT_UNKNOWN))
			names_add(dirs, need(strdup(d->d_name)));
		else if (rest != NULL && strcmp(d->d_name, ".") != 0 &&
		    strcmp(d->d_name, "..") != 0)
			names_add(rest, need(strdup(d->d_name)));
	}
	error = errno;
	(void)closedir(dp);
	if (dirs->n > 1)
		qsort(dirs->v, dirs->n, sizeof(*dirs->v), string_compare);
	if (rest != NULL && rest->n > 1)
		qsort(rest->v, rest->n, sizeof(*rest->v), string_compare);
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
	char *data = NULL;
	size_t cap = READ_MIN;
	struct stat st;
	FILE *fp;
	int error;

	if ((fp = fopen(path, "re")) == NULL)
		return NULL;
	if (fstat(fileno(fp), &st) == 0 && st.st_size > READ_MIN)
		cap = ((size_t)st.st_size < max ? (size_t)st.st_size : max) + 1;
	for (*size = 0;; cap *= 2) {
		data = need(realloc(data, cap + 1));
		*size += fread(data + *size, 1, cap - *size, fp);
		if (*size < cap || cap > max)
			break;
	}
	error = ferror(fp) ? errno : *size > max ? EFBIG : 0;
	(void)fclose(fp);
	data[*size] = '\0';
	if (error == 0)
		return data;
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

	while (size > 0) {
		n = write(fd, data, size);
		if (n == -1 && errno == EAGAIN)
			(void)poll(&pfd, 1, -1);
		else if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

/*
 * Whether the name still stands for the open file, as far as can be told.
 */
static bool
is_named(int dirfd, const char *name, int fd)
{
	struct stat named, open;

	if (fstat(fd, &open) != 0)
		return true;
	if (fstatat(dirfd, name, &named, AT_SYMLINK_NOFOLLOW) != 0)
		return errno != ENOENT;
	return open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

/*
 * Locks a file, unless another process has. Some file systems cannot.
 */
static bool
lock_take(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

/*
 * Removes a temporary file whose writer is gone: a living one holds a lock.
 * Opens it only to lock it (for writing, as NFS wants), so a planted link does
 * no harm. Where files cannot be locked all writers count as gone.
 */
static void
stale_remove(int dirfd, const char *name)
{
	int fd;

	fd = openat(dirfd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && errno == ELOOP)
		(void)unlinkat(dirfd, name, 0);
	if (fd == -1)
		return;
	if (lock_take(fd) && is_named(dirfd, name, fd))
		(void)unlinkat(dirfd, name, 0);
	(void)close(fd);
}

/*
 * Makes a temporary file in the directory, locked as long as it is open, by
 * the first name that no living writer has: what SIGKILL leaves behind does
 * not pile up. Returns -1 with errno.
 */
static int
temporary_make(int dirfd, char name[TEMPORARY_SIZE])
{
	int fd, i;

	for (i = 0; i < WRITERS_MAX; i++) {
		(void)snprintf(name, TEMPORARY_SIZE, TEMPORARY, i);
		stale_remove(dirfd, name);
		fd = openat(
		    dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd == -1 && errno != EEXIST)
			return -1;
		/* another run may have taken it for stale before the lock */
		if (fd != -1 && lock_take(fd) && is_named(dirfd, name, fd))
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
 * Appends the directory's records to those in buf.
 */
static int
records_read(int fd, struct listing *l)
{
	size_t cap;
	char *grown;
	long n;

	for (;;) {
		if (l->bufcap - l->bufsz < READ_MIN) {
			cap = l->bufcap == 0 ? READ_FIRST : l->bufcap * 2;
			if (cap > UINT32_MAX) {
				errno = EFBIG;
				return -1;
			}
			if ((grown = realloc(l->buf, cap)) == NULL)
				return -1;
			l->buf = grown;
			l->bufcap = cap;
		}
		n = syscall(SYS_getdents64, fd, l->buf + l->bufsz,
		    l->bufcap - l->bufsz);
		if (n > 0)
			l->bufsz += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return (int)n;
	}
}

/*
 * Remembers the first file that stat failed on.
 */
static void
stat_failed(struct reading *r, const char *name)
{
	if (r->failed_errno != 0)
		return;
	r->failed_errno = errno;
	r->failed = strdup(name);
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

	if (d->d_type == DT_REG)
		return true;
	if (d->d_type != DT_LNK && d->d_type != DT_UNKNOWN)
		return false;
	if (fstatat(fd, d->d_name, &st, 0) == 0)
		return S_ISREG(st.st_mode);
	if (errno == ENOENT && d->d_type == DT_UNKNOWN)
		return fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0;
	if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP &&
	    errno != ENAMETOOLONG)
		stat_failed(r, d->d_name);
	return false;
}

static int
string_add(struct strings *strings, const char *s)
{
	const char **room;

	room = array_room(strings->v, &strings->cap, strings->n, sizeof(*room));
	if (room == NULL)
		return -1;
	strings->v = room;
	room[strings->n++] = s;
	return 0;
}

static int
segment_take(int fd, struct listing *l, const struct dirent *d, size_t len,
    struct reading *r)
{
	struct segment *room, *seg;

	room = array_room(l->segs, &l->segcap, l->segsz, sizeof(*room));
	if (room == NULL)
		return -1;
	l->segs = room;
	seg = &l->segs[l->segsz];
	if (segment_parse(d->d_name, len, seg) != 0 || !is_regular(fd, d, r))
		return string_add(&l->bad, d->d_name);
	seg->name = (uint32_t)(d->d_name - l->buf);
	l->segsz++;
	return 0;
}

/*
 * Returns the length of a record's name, which ends in the last eight bytes
 * of the record.
 */
static size_t
name_length(const struct dirent *d)
{
	size_t before = offsetof(struct dirent, d_name), len = 0;

	if (d->d_reclen > before + 8)
		len = d->d_reclen - before - 8;
	while (d->d_name[len] != '\0')
		len++;
	return len;
}

static bool
ends_in(const char *name, size_t len, const char *suffix, size_t n)
{
	return len > n && memcmp(name + len - n, suffix, n) == 0;
}

/*
 * Takes segments, bad names and tombstones from the records in buf; tombstones
 * only from the first listing, which is `first` bytes long: one made since may
 * hide a segment whose successor the second listing has missed.
 */
static int
records_take(int fd, struct listing *l, size_t first, struct reading *r)
{
	const struct dirent *d;
	const char *name;
	size_t at, len;

	for (at = 0; at < l->bufsz; at += d->d_reclen) {
		d = (const void *)(l->buf + at);
		name = d->d_name;
		if (name[0] == '.')
			continue;
		len = name_length(d);
		if (ends_in(name, len, SUFFIX, SUFFIX_LEN)) {
			if (segment_take(fd, l, d, len, r) != 0)
				return -1;
		} else if (at < first &&
		    ends_in(name, len, TOMBSTONE, TOMBSTONE_LEN)) {
			if (string_add(&l->tombstones, name) != 0)
				return -1;
		}
	}
	return 0;
}

static int
segment_compare(const void *a, const void *b, void *buf)
{
	const struct segment *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return strcmp((const char *)buf + x->name, (const char *)buf + y->name);
}

/*
 * Sorts segments by start, then by name, and drops names that were listed
 * twice. An ordinary hour has a bucket for each segment: where a file system
 * lists names in no order, a run with one qsort_r() takes 15 % more CPU time.
 */
static int
segments_sort(struct listing *l)
{
	size_t ends[BUCKETS] = {0}, end, i, start = 0, n = l->segsz;
	struct segment *segs;

	if (n == 0)
		return 0;
	if ((segs = reallocarray(NULL, l->segcap, sizeof(*segs))) == NULL)
		return -1;
	for (i = 0; i < n; i++)
		ends[l->segs[i].offset / BUCKET]++;
	for (i = 0; i < BUCKETS; i++) {
		end = start + ends[i];
		ends[i] = start;
		start = end;
	}
	for (i = 0; i < n; i++)
		segs[ends[l->segs[i].offset / BUCKET]++] = l->segs[i];
	free(l->segs);
	l->segs = segs;
	for (i = 0, start = 0; i < BUCKETS; start = ends[i++])
		if (ends[i] - start > 1)
			qsort_r(segs + start, ends[i] - start, sizeof(*segs),
			    segment_compare, l->buf);
	l->segsz = 0;
	for (i = 0; i < n; i++)
		if (l->segsz == 0 ||
		    segment_compare(&segs[l->segsz - 1], &segs[i], l->buf) != 0)
			segs[l->segsz++] = segs[i];
	return 0;
}

/*
 * Sorts strings in byte order and drops those that are there twice.
 */
static void
strings_sort(struct strings *strings)
{
	size_t i, n = strings->n;

	if (n > 1)
		qsort(strings->v, n, sizeof(*strings->v), string_compare);
	strings->n = 0;
	for (i = 0; i < n; i++)
		if (strings->n == 0 ||
		    strcmp(strings->v[strings->n - 1], strings->v[i]) != 0)
			strings->v[strings->n++] = strings->v[i];
}

/*
 * Returns the segment that is called as the first len bytes of name and `.ts`,
 * or NULL. Segments in order of start, then name, are in byte order of their
 * names.
 */
static struct segment *
segment_find(struct listing *l, const char *name, size_t len)
{
	size_t high = l->segsz, i, low = 0;
	const char *other;
	int order;

	while (low < high) {
		i = low + (high - low) / 2;
		other = l->buf + l->segs[i].name;
		if ((order = strncmp(name, other, len)) == 0)
			order = strcmp(SUFFIX, other + len);
		if (order == 0)
			return &l->segs[i];
		if (order < 0)
			high = i;
		else
			low = i + 1;
	}
	return NULL;
}

/*
 * For bsearch(): compares the tombstone that would hide a name with one that
 * is there. Makes no copy: some file systems have names longer than NAME_MAX.
 */
static int
hider_compare(const void *name, const void *tombstone)
{
	const char *a = name, *b = *(const char *const *)tombstone;
	size_t n = strlen(a) - SUFFIX_LEN;
	int order = strncmp(a, b, n);

	return order != 0 ? order : strcmp(TOMBSTONE, b + n);
}

/*
 * Returns the size of a file, `gone` if it is gone, or -1 if stat failed
 * otherwise.
 */
static off_t
segment_size(int fd, const struct listing *l, const struct segment *seg,
    off_t gone, struct reading *r)
{
	const char *name = l->buf + seg->name;
	struct stat st;

	if (fstatat(fd, name, &st, 0) == 0)
		return st.st_size;
	if (errno == ENOENT)
		return gone;
	stat_failed(r, name);
	return -1;
}

/*
 * Removes the segments and bad names that only count, and counts them: those
 * that are hidden, still being downloaded, ahead of the clock or, with
 * --sizes, empty. Drops what starts after `until`.
 */
static int
listing_sift(int fd, struct listing *l, const struct options *opt,
    int64_t until, struct reading *r)
{
	struct counts *counts = &r->hour.counts;
	const int64_t ahead = opt->now + AHEAD - r->hour.time;
	const struct segment *seg;
	struct segment *hidden;
	const char *name;
	size_t i, kept = 0;

	strings_sort(&l->tombstones);
	for (i = 0; i < l->tombstones.n; i++) {
		name = l->tombstones.v[i];
		hidden = segment_find(l, name, strlen(name) - TOMBSTONE_LEN);
		if (hidden != NULL)
			hidden->type = SEGMENT_HIDDEN;
	}
	for (i = 0; i < l->segsz; i++) {
		seg = &l->segs[i];
		if (seg->type == SEGMENT_HIDDEN)
			counts->tombstoned++;
		else if (seg->type == SEGMENT_TEMP)
			counts->temp++;
		else if (seg->offset > ahead)
			counts->ahead++;
		else if (opt->sizes && segment_size(fd, l, seg, 1, r) == 0) {
			counts->empty++;
			if (string_add(&l->bad, l->buf + seg->name) != 0)
				return -1;
		} else if (r->hour.time + seg->offset <= until)
			l->segs[kept++] = *seg;
	}
	l->segsz = kept;
	strings_sort(&l->bad);
	for (i = 0; i < l->bad.n; i++) {
		name = l->bad.v[i];
		if (l->tombstones.n > 0 &&
		    bsearch(name, l->tombstones.v, l->tombstones.n,
			sizeof(*l->tombstones.v), hider_compare) != NULL)
			counts->tombstoned++;
		/* a link may have led nowhere in one of two listings */
		else if (segment_find(l, name, strlen(name) - SUFFIX_LEN) ==
		    NULL)
			l->bad.v[counts->bad++] = name;
	}
	l->bad.n = counts->bad;
	return 0;
}

/*
 * Lists the hour directory fd into l, and counts in r what takes no part.
 */
static int
hour_list(int fd, struct listing *l, const struct options *opt, bool again,
    int64_t until, struct reading *r)
{
	struct stat st;
	size_t first;

	l->segsz = l->bad.n = l->tombstones.n = l->bufsz = 0;
	if (records_read(fd, l) != 0)
		return -1;
	first = l->bufsz;
	if (again && (lseek(fd, 0, SEEK_SET) != 0 || records_read(fd, l) != 0))
		return -1;
	if (fstat(fd, &st) != 0 || records_take(fd, l, first, r) != 0 ||
	    segments_sort(l) != 0)
		return -1;
	r->changed = st.st_mtim.tv_sec * SECOND + st.st_mtim.tv_nsec / 1000;
	return listing_sift(fd, l, opt, until, r);
}

/*
 * Returns memory for hour_read() to use again and again, or NULL.
 */
struct listing *
listing_new(void)
{
	return calloc(1, sizeof(struct listing));
}

void
listing_free(struct listing *l)
{
	if (l == NULL)
		return;
	free(l->segs);
	free(l->bad.v);
	free(l->tombstones.v);
	free(l->buf);
	free(l);
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
 * Returns the best of n segments with the same start, which are in order of
 * name: the longest full one, otherwise the largest suspect, otherwise the
 * largest partial one; the last of equals. Asks for sizes only if two
 * compete.
 */
static const struct segment *
best_choose(int fd, const struct listing *l, const struct segment *segs,
    size_t n, struct reading *r)
{
	enum segment_type type = SEGMENT_PARTIAL;
	const struct segment *best = NULL, *seg;
	int64_t most = -1, value;
	bool asked = false;

	for (seg = segs; seg < segs + n; seg++)
		if (seg->type < type)
			type = seg->type;
	for (seg = segs; seg < segs + n; seg++) {
		if (seg->type != type)
			continue;
		if (best == NULL) {
			best = seg;
			continue;
		}
		if (!asked)
			most = type == SEGMENT_FULL
			    ? best->duration
			    : segment_size(fd, l, best, 0, r);
		asked = true;
		value = type == SEGMENT_FULL ? seg->duration
					     : segment_size(fd, l, seg, 0, r);
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
static int
best_take(int fd, const struct listing *l, struct reading *r)
{
	struct counts *counts = &r->hour.counts;
	const struct segment *best, *segs = l->segs;
	size_t i, next;
	int64_t end;

	if (r->bestcap < l->segsz) {
		free(r->best);
		r->best = reallocarray(NULL, l->segsz, sizeof(*r->best));
		r->bestcap = r->best == NULL ? 0 : l->segsz;
		if (r->best == NULL)
			return -1;
	}
	for (i = 0; i < l->segsz;) {
		next = i + 1;
		while (next < l->segsz && segs[next].offset == segs[i].offset)
			next++;
		best = next - i == 1
		    ? &segs[i]
		    : best_choose(fd, l, &segs[i], next - i, r);
		for (; i < next; i++) {
			tally_add(
			    &counts->segments[segs[i].type], segs[i].duration);
			if (&segs[i] != best)
				tally_add(&counts->overlaps[segs[i].type],
				    segs[i].duration);
		}
		if (best->type != SEGMENT_FULL)
			tally_add(&counts->incomplete, best->duration);
		r->best[r->bestsz++] = *best;
		end = r->hour.time + best->offset + best->duration;
		if (end > r->hour.end)
			r->hour.end = end;
	}
	if (r->bestsz > 0)
		r->hour.start = r->hour.time + r->best[0].offset;
	return 0;
}

/*
 * Copies the first bad names, which would be gone with the next listing.
 */
static int
bad_names_keep(struct hour *hour, const struct listing *l)
{
	size_t i, n = l->bad.n < BAD_NAMES_MAX ? l->bad.n : BAD_NAMES_MAX;

	if (l->bad.n == 0)
		return 0;
	if ((hour->bad_names = calloc(n, sizeof(*hour->bad_names))) == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		if ((hour->bad_names[i] = strdup(l->bad.v[i])) == NULL)
			return -1;
		hour->bad_namesz++;
	}
	return 0;
}

/*
 * Reads the hour directory of this time below the quality's directory dirfd.
 * r is zeroed the first time and may be used again: r->best then keeps its
 * memory, but hour.bad_names and failed must have found a new owner. If the
 * hour cannot be read to its end, r->error says why and the rest of r says
 * nothing about it.
 *
 * A listing can miss a file that is being renamed, under both names. With
 * `again` the directory is listed twice and the names of both are taken,
 * but for segments that start after `until`: those are not expected yet.
 */
void
hour_read(const struct options *opt, int dirfd, int64_t time, bool again,
    int64_t until, struct listing *l, struct reading *r)
{
	char name[TIME_SIZE];
	int fd;

	memset(&r->hour, 0, sizeof(r->hour));
	r->hour.time = time;
	r->hour.start = r->hour.end = r->changed = TIME_NONE;
	r->bestsz = 0;
	r->failed = NULL;
	r->failed_errno = r->error = 0;
	hour_format(name, time);
	fd = directory_open(dirfd, name, O_RDONLY);
	if (fd == -1 || hour_list(fd, l, opt, again, until, r) != 0 ||
	    best_take(fd, l, r) != 0 ||
	    ((opt->verbose || opt->format == FORMAT_JSON) &&
		bad_names_keep(&r->hour, l) != 0))
		r->error = errno;
	r->hour.readable = r->error == 0;
	if (!r->hour.readable) {
		memset(&r->hour.counts, 0, sizeof(r->hour.counts));
		r->hour.start = r->hour.end = TIME_NONE;
		r->bestsz = 0;
	}
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
	size_t claimed; /* hours given to a thread */
	size_t taken; /* hours handed over; the last is still in use */
	struct slot {
		struct reading reading;
		bool done;
	} * ring; /* owned; hour i is in i % ringsz */
	size_t ringsz;
	struct worker {
		struct pool *pool;
		pthread_t thread;
		struct listing *listing; /* owned */
	} * workers; /* owned; opt->jobs of them */
	size_t threads; /* workers that run */
	pthread_mutex_t lock; /* guards claimed, taken and done */
	pthread_cond_t room; /* the ring has room for another hour */
	pthread_cond_t done; /* an hour has been read */
};

static void *
pool_work(void *arg)
{
	struct worker *worker = arg;
	struct pool *pool = worker->pool;
	struct slot *slot;
	size_t i;

	(void)pthread_mutex_lock(&pool->lock);
	while (pool->claimed < pool->n) {
		if (pool->claimed + 1 >= pool->taken + pool->ringsz) {
			(void)pthread_cond_wait(&pool->room, &pool->lock);
			continue;
		}
		i = pool->claimed++;
		slot = &pool->ring[i % pool->ringsz];
		(void)pthread_mutex_unlock(&pool->lock);
		hour_read(pool->opt, pool->dirfd, pool->times[i], false,
		    INT64_MAX, worker->listing, &slot->reading);
		(void)pthread_mutex_lock(&pool->lock);
		slot->done = true;
		(void)pthread_cond_signal(&pool->done);
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/*
 * Starts to read n hours below dirfd in opt->jobs threads. Signals stay
 * main's. Returns the pool, for pool_end().
 */
struct pool *
pool_start(const struct options *opt, int dirfd, const int64_t *times, size_t n)
{
	struct pool *pool = need(calloc(1, sizeof(*pool)));
	struct worker *worker;
	sigset_t all, before;

	pool->opt = opt;
	pool->dirfd = dirfd;
	pool->times = times;
	pool->n = n;
	pool->ringsz = (size_t)opt->jobs * RING_PER_JOB + 1;
	pool->ring = need(calloc(pool->ringsz, sizeof(*pool->ring)));
	pool->workers = need(calloc(opt->jobs, sizeof(*pool->workers)));
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->room, NULL);
	(void)pthread_cond_init(&pool->done, NULL);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	while (pool->threads < opt->jobs && pool->threads < n) {
		worker = &pool->workers[pool->threads];
		worker->pool = pool;
		worker->listing = need(listing_new());
		if (pthread_create(&worker->thread, NULL, pool_work, worker) !=
		    0)
			break;
		pool->threads++;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pool;
}

/*
 * Returns the next hour once it has been read. It is the caller's until the
 * next call. If no thread could be started, the caller reads.
 */
struct reading *
pool_next(struct pool *pool)
{
	size_t i = pool->taken;
	struct slot *slot = &pool->ring[i % pool->ringsz];

	if (pool->threads == 0) {
		pool->taken++;
		hour_read(pool->opt, pool->dirfd, pool->times[i], false,
		    INT64_MAX, pool->workers[0].listing, &slot->reading);
		return &slot->reading;
	}
	(void)pthread_mutex_lock(&pool->lock);
	pool->taken++;
	(void)pthread_cond_signal(&pool->room);
	while (!slot->done)
		(void)pthread_cond_wait(&pool->done, &pool->lock);
	slot->done = false;
	(void)pthread_mutex_unlock(&pool->lock);
	return &slot->reading;
}

/*
 * Ends the pool, once all hours are taken.
 */
void
pool_end(struct pool *pool)
{
	size_t i;

	(void)pthread_mutex_lock(&pool->lock);
	(void)pthread_cond_broadcast(&pool->room);
	(void)pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < pool->threads; i++)
		(void)pthread_join(pool->workers[i].thread, NULL);
	for (i = 0; i < pool->opt->jobs; i++)
		listing_free(pool->workers[i].listing);
	for (i = 0; i < pool->ringsz; i++)
		free(pool->ring[i].reading.best);
	free(pool->ring);
	free(pool->workers);
	free(pool);
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
	long code;
	int i, more;

	(*s)++;
	if (p[0] < 0x80)
		return p[0];
	more = p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return -1;
	code = p[0] & (0x3f >> more);
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
 * Whether a terminal shows the code point as itself: not a control character,
 * not invisible, no change of the text's direction.
 */
static bool
is_shown(long code)
{
	static const long hidden[][2] = {{0, 0x1f}, {0x7f, 0x9f},
	    {0x61c, 0x61c}, {0x200b, 0x200f}, {0x2028, 0x202e},
	    {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
	    {0xe0000, 0xe0fff}};
	size_t i;

	for (i = 0; i < LENGTH(hidden); i++)
		if (code >= hidden[i][0] && code <= hidden[i][1])
			return false;
	return code >= 0;
}

/*
 * Returns a copy of the name, for the caller to free, that is safe to write to
 * a terminal: a byte that would not show as itself becomes \xNN, and without
 * utf8 so does every byte from 0x80 on; a backslash is doubled.
 */
char *
name_printable(const char *name, bool utf8)
{
	const char *from;
	char *out, *printable;
	long code;

	printable = need(reallocarray(NULL, strlen(name) + 1, 4));
	for (out = printable; *name != '\0';) {
		from = name;
		code = utf8_next(&name);
		if (code == '\\')
			*out++ = '\\';
		if (is_shown(code) && (utf8 || code < 0x80))
			while (from < name)
				*out++ = *from++;
		else
			for (; from < name; from++)
				out += sprintf(
				    out, "\\x%02x", (unsigned char)*from);
	}
	*out = '\0';
	return printable;
}
