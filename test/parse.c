/*
 * TAP tests of segparse.c: names, durations, times, UTF-8.
 *
 *	parse			runs them
 *	parse --durations	reads durations, a line each; prints microseconds
 *				or "bad", for the comparison with CPython's
 */
#include <sys/types.h>

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../segparse.h"

#define BAD  (-1)
#define N(a) (sizeof(a) / sizeof((a)[0]))

static int failures, tests;

/* What may stand in a line of TAP: no control bytes, no directives. */
static void
quoted(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s < ' ' || *s == '#' || *s == 0x7f)
			printf("<%02x>", (unsigned)(unsigned char)*s);
		else
			putchar(*s);
	}
}

static void
check(bool passed, const char *what, const char *input)
{
	if (!passed)
		failures++;
	printf("%sok %d - %s: ", passed ? "" : "not ", ++tests, what);
	quoted(input);
	putchar('\n');
}

static void
is(int64_t got, int64_t wanted, const char *what, const char *input)
{
	check(got == wanted, what, input);
	if (got != wanted)
		fprintf(stderr,
		    "# %s: %s: got %" PRId64 ", wanted %" PRId64 "\n", what,
		    input, got, wanted);
}

static void
is_text(
    const char *got, const char *wanted, const char *what, const char *input)
{
	check(strcmp(got, wanted) == 0, what, input);
	if (strcmp(got, wanted) != 0) {
		fprintf(stderr, "# %s: %s: got '%s', wanted '%s'\n", what,
		    input, got, wanted);
	}
}

/* A test of many values prints one line, and the first that was wrong. */
struct many {
	const char *what;
	long count;
	long wrong;
};

static void
many_is(struct many *m, long got, long wanted, const char *input)
{
	m->count++;
	if (got != wanted && m->wrong++ == 0) {
		fprintf(stderr, "# %s: '%s': got %ld, wanted %ld\n", m->what,
		    input, got, wanted);
	}
}

static void
many_done(const struct many *m)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld of them", m->count);
	check(m->wrong == 0 && m->count > 0, m->what, text);
}

static const struct {
	const char *name;
	int64_t offset;
	int64_t duration;
	enum segment_type type;
} segments[] = {
    {"45:51.608000-2.0-full-7IS92rssMzoSBQDIevHStbTNy-URRV3Vw-jzZ6pwOZM"
     ".ts",
	2751608000, 2000000, SEGMENT_FULL},
    {"00:00-0-full-AA.ts", 0, 0, SEGMENT_FULL},
    {"00:00-3600-full-AAA.ts", 0, 3600000000, SEGMENT_FULL},
    {"59:59.999999-1-suspect-AAAA.ts", 3599999999, 1000000, SEGMENT_SUSPECT},
    {"01:02.1-2.-partial-abcdef.ts", 62100000, 2000000, SEGMENT_PARTIAL},
    {"01:02.12-.5-full-__-.ts", 62120000, 500000, SEGMENT_FULL},
    {"01:02.123-2-full----.ts", 62123000, 2000000, SEGMENT_FULL},
    {"01:02.1234-2-full--_.ts", 62123400, 2000000, SEGMENT_FULL},
    {"01:02.00001-2-full-0123456.ts", 62000010, 2000000, SEGMENT_FULL},
    {"01:02.000000-2-full-AA-full-AA.ts", 62000000, 2000000, SEGMENT_FULL},
    {"09:09-2-full-ABCDEFGH.ts", 549000000, 2000000, SEGMENT_FULL},
    {"00:00-2e+3-full-AA.ts", 0, 2000000000, SEGMENT_FULL},
    /* what follows temp is not checked */
    {"00:02-2.0-temp-e5d83d8f-8d2f-4b3c-8a77-0e4a8c6f4f11.ts", 2000000, 2000000,
	SEGMENT_TEMP},
    {"00:02-2.0-temp-A.ts", 2000000, 2000000, SEGMENT_TEMP},
    {"00:02-2.0-temp-.ts", 2000000, 2000000, SEGMENT_TEMP},
    {"00:02-2.0-temp-a b\n\xff.ts.ts", 2000000, 2000000, SEGMENT_TEMP},
    /* bad: the parts */
    {"ts", BAD, 0, 0},
    {".ts", BAD, 0, 0},
    {"00:00.ts", BAD, 0, 0},
    {"00:00-2.ts", BAD, 0, 0},
    {"00:00-2-full.ts", BAD, 0, 0},
    {"00:00-2-temp.ts", BAD, 0, 0},
    {"00:00--2-full-AA.ts", BAD, 0, 0},
    {"-00:00-2-full-AA.ts", BAD, 0, 0},
    {"---.ts", BAD, 0, 0},
    {"00:00-2--AA.ts", BAD, 0, 0},
    {"00:00_2_full_AA.ts", BAD, 0, 0},
    /* bad: TIME */
    {" 0:02-2-full-AA.ts", BAD, 0, 0},
    {"+0:02-2-full-AA.ts", BAD, 0, 0},
    {"0:02-2-full-AA.ts", BAD, 0, 0},
    {"00:2-2-full-AA.ts", BAD, 0, 0},
    {"000:02-2-full-AA.ts", BAD, 0, 0},
    {"00:002-2-full-AA.ts", BAD, 0, 0},
    {"60:00-2-full-AA.ts", BAD, 0, 0},
    {"00:60-2-full-AA.ts", BAD, 0, 0},
    {"00:00.-2-full-AA.ts", BAD, 0, 0},
    {"00:00.1234567-2-full-AA.ts", BAD, 0, 0},
    {"00:00.+1-2-full-AA.ts", BAD, 0, 0},
    {"00:00.1e1-2-full-AA.ts", BAD, 0, 0},
    {"00:00,5-2-full-AA.ts", BAD, 0, 0},
    {"00.00-2-full-AA.ts", BAD, 0, 0},
    {"00:00:00-2-full-AA.ts", BAD, 0, 0},
    {"00:00 -2-full-AA.ts", BAD, 0, 0},
    {"0a:00-2-full-AA.ts", BAD, 0, 0},
    {"00:0/-2-full-AA.ts", BAD, 0, 0},
    {"0::00-2-full-AA.ts", BAD, 0, 0},
    {"\xd9\xa0\xd9\xa0:\xd9\xa0\xd9\xa2-2-full-AA.ts", BAD, 0, 0},
    /* bad: TYPE */
    {"00:00-2-Full-AA.ts", BAD, 0, 0},
    {"00:00-2-FULL-AA.ts", BAD, 0, 0},
    {"00:00-2-fulls-AA.ts", BAD, 0, 0},
    {"00:00-2-ful-AA.ts", BAD, 0, 0},
    {"00:00-2- full-AA.ts", BAD, 0, 0},
    {"00:00-2-suspec-AA.ts", BAD, 0, 0},
    {"00:00-2-partialx-AA.ts", BAD, 0, 0},
    {"00:00-2-TEMP-AA.ts", BAD, 0, 0},
    {"00:00-2-tempx-AA.ts", BAD, 0, 0},
    {"00:00-2-chat-AA.ts", BAD, 0, 0},
    /* bad: temp, but for its hash */
    {"00:60-2-temp-AA.ts", BAD, 0, 0},
    {"00:00-inf-temp-AA.ts", BAD, 0, 0},
    /* bad: DURATION in a name; the rest is seconds_parse's */
    {"00:00-inf-full-AA.ts", BAD, 0, 0},
    {"00:00-3600.000001-full-AA.ts", BAD, 0, 0},
    {"00:00-1e309-full-AA.ts", BAD, 0, 0},
    {"00:00-1e12-full-AA.ts", BAD, 0, 0},
    {"00:00-1e-3-full-AA.ts", BAD, 0, 0},
    {"00:00-4294967297-full-AA.ts", BAD, 0, 0},
    {"00:00-4294.967297-full-AA.ts", BAD, 0, 0},
    /* bad: HASH */
    {"00:00-2-full-.ts", BAD, 0, 0},
    {"00:00-2-full-A.ts", BAD, 0, 0},
    {"00:00-2-full--.ts", BAD, 0, 0},
    {"00:00-2-full-ABCDE.ts", BAD, 0, 0},
    {"00:00-2-full-ABCDEFGHI.ts", BAD, 0, 0},
    {"00:00-2-full-AA==.ts", BAD, 0, 0},
    {"00:00-2-full-AA+.ts", BAD, 0, 0},
    {"00:00-2-full-AA/.ts", BAD, 0, 0},
    {"00:00-2-full-AA.ts.ts", BAD, 0, 0},
    {"00:00-2-full-AA .ts", BAD, 0, 0},
    {"00:00-2-full-AA\n.ts", BAD, 0, 0},
    {"00:00-2-full-\xc3\xa4.ts", BAD, 0, 0},
    {"00:00-2-full-A\xff.ts", BAD, 0, 0},
};

static void
test_segments(void)
{
	struct segment seg;
	size_t i;
	int ret;

	for (i = 0; i < N(segments); i++) {
		memset(&seg, 0x55, sizeof(seg));
		ret = segment_parse(
		    segments[i].name, strlen(segments[i].name), &seg);
		if (segments[i].offset == BAD) {
			is(ret, -1, "bad name", segments[i].name);
			continue;
		}
		is(ret, 0, "name", segments[i].name);
		is(seg.offset, segments[i].offset, "offset", segments[i].name);
		is(seg.duration, segments[i].duration, "duration",
		    segments[i].name);
		is(seg.type, segments[i].type, "type", segments[i].name);
	}
}

/* Each byte at each place: the whole alphabet of a name. */
static void
test_alphabet(void)
{
	struct many m = {"one byte changed", 0, 0};
	static const char name[] = "00:00.0-1.0e1-full-AAAAAAAAAA";
	static const char *allowed[] = {"012345", "0123456789", ":", "012345",
	    "0123456789", ".", "0123456789", "-", "0123456789", ".0123456789",
	    "0123456789", "eE0123456789", "0123", "-", "f", "u", "l", "l", "-",
	    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL};
	static const char base64url[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	struct segment seg;
	char text[sizeof(name) + 3];
	size_t i;
	int byte, wanted;

	for (i = 0; i < sizeof(name) - 1; i++) {
		for (byte = 1; byte < 256; byte++) {
			snprintf(text, sizeof(text), "%s.ts", name);
			text[i] = (char)byte;
			wanted =
			    strchr(allowed[i] != NULL ? allowed[i] : base64url,
				byte) != NULL;
			many_is(&m,
			    segment_parse(text, sizeof(text) - 1, &seg) == 0,
			    wanted, text);
		}
	}
	many_done(&m);
}

/* Hashes of all lengths, and not a byte read behind the name. */
static void
test_lengths(void)
{
	struct many m = {"cut short", 0, 0};
	static const char name[] =
	    "45:51.608000-2.0-full-"
	    "7IS92rssMzoSBQDIevHStbTNy-URRV3Vw-jzZ6pwOZM";
	const size_t before_hash = 22;
	struct segment seg;
	size_t hash, len;
	char *copy;

	for (len = 0; len < sizeof(name); len++) {
		if ((copy = malloc(len + 3)) == NULL)
			abort();
		memcpy(copy, name, len);
		/* no NUL: a byte read behind it is found */
		/* NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
		memcpy(copy + len, ".ts", 3);
		hash = len < before_hash ? 0 : len - before_hash;
		many_is(&m, segment_parse(copy, len + 3, &seg),
		    hash == 0 || hash % 4 == 1 ? -1 : 0, name);
		free(copy);
	}
	many_done(&m);
}

/* Every byte at every place of a hash. */
static void
test_hashes(void)
{
	struct many m = {"bytes of a hash", 0, 0};
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	char name[] = "45:51.608000-2.0-full-"
		      "7IS92rssMzoSBQDIevHStbTNy-URRV3Vw-jzZ6pwOZM.ts";
	char kept;
	const size_t before_hash = 22, end = sizeof(name) - 4;
	struct segment seg;
	size_t i;
	int byte;

	for (i = before_hash; i < end; i++) {
		kept = name[i];
		for (byte = 1; byte < 256; byte++) {
			name[i] = (char)byte;
			many_is(&m, segment_parse(name, sizeof(name) - 1, &seg),
			    strchr(good, byte) != NULL ? 0 : -1, name);
		}
		name[i] = kept;
	}
	many_done(&m);
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000"

static const struct {
	const char *text;
	int64_t max;
	int64_t us;
} durations[] = {
    {"2.0", HOUR, 2000000},
    {"2.002", HOUR, 2002000},
    {"5.005000000000001", HOUR, 5005000},
    {"2", HOUR, 2000000},
    {"2.", HOUR, 2000000},
    {".5", HOUR, 500000},
    {"0", HOUR, 0},
    {"0.0", HOUR, 0},
    {"00000002.5", HOUR, 2500000},
    {ZEROS ZEROS ZEROS ZEROS "2", HOUR, 2000000},
    {"2." ZEROS ZEROS ZEROS ZEROS "1", HOUR, 2000000},
    {"3600", HOUR, HOUR},
    {"3600.", HOUR, HOUR},
    {"3600.0", HOUR, HOUR},
    /* exponents */
    {"1e3", HOUR, 1000000000},
    {"1E3", HOUR, 1000000000},
    {"1e+3", HOUR, 1000000000},
    {"1.5e+1", HOUR, 15000000},
    {"1.e1", HOUR, 10000000},
    {".1e1", HOUR, 1000000},
    {"2e0", HOUR, 2000000},
    {"2e00000000000000000000000000", HOUR, 2000000},
    {"1e00000000000000000000000001", HOUR, 10000000},
    {"0e999999999", HOUR, 0},
    {"0.0e99999999999999999999", HOUR, 0},
    {"0.00000000000000000001e20", HOUR, 1000000},
    /* halves, as the nearest double and timedelta have them */
    {"0.0000005", HOUR, 0},
    {"0.0000015", HOUR, 2},
    {"0.0000025", HOUR, 2},
    {"1.0000005", HOUR, 1000001},
    {"1.5000005", HOUR, 1500001},
    {"1.9999995", HOUR, 1999999},
    {"2.0000004999999999999999999999", HOUR, 2000001},
    {"2.0000005", HOUR, 2000001},
    {"3599.9999995", HOUR, 3599999999},
    {"3600.0000004", HOUR, HOUR},
    {"3600.0000005", HOUR, BAD},
    {"3600.0000006", HOUR, BAD},
    /* too much */
    {"3600.000001", HOUR, BAD},
    {"3601", HOUR, BAD},
    {"1e12", HOUR, BAD},
    {"999999999", HOUR, BAD},
    {"4294967296", HOUR, BAD},
    {"18446744073709551617", HOUR, BAD},
    {"18446744073709.551617", HOUR, BAD},
    {"1e308", HOUR, BAD},
    {"1e309", HOUR, BAD},
    {"1e400", HOUR, BAD},
    {"1e4294967296", HOUR, BAD},
    {"1e99999999999999999999", HOUR, BAD},
    {"1e18446744073709551616", HOUR, BAD},
    {"2", SECOND, BAD},
    {"1", SECOND, SECOND},
    {"1.000001", SECOND, BAD},
    {"0", 0, 0},
    {"0.000001", 0, BAD},
    {"86400", 86400 * SECOND, 86400 * SECOND},
    {"3155760000.25", 4000000000 * SECOND, 3155760000250000},
    /* no number */
    {"", HOUR, BAD},
    {".", HOUR, BAD},
    {"e", HOUR, BAD},
    {"e5", HOUR, BAD},
    {".e5", HOUR, BAD},
    {"2e", HOUR, BAD},
    {"2e+", HOUR, BAD},
    {"2e++1", HOUR, BAD},
    {"2e-1", HOUR, BAD},
    {"2e1.0", HOUR, BAD},
    {"2e1e1", HOUR, BAD},
    {"2 e1", HOUR, BAD},
    {"2..0", HOUR, BAD},
    {"2.0.0", HOUR, BAD},
    {"-2", HOUR, BAD},
    {"+2", HOUR, BAD},
    {"-0", HOUR, BAD},
    {" 2", HOUR, BAD},
    {"2 ", HOUR, BAD},
    {"2\n", HOUR, BAD},
    {"2,0", HOUR, BAD},
    {"1_000", HOUR, BAD},
    {"2.0f", HOUR, BAD},
    {"2s", HOUR, BAD},
    {"inf", HOUR, BAD},
    {"Infinity", HOUR, BAD},
    {"nan", HOUR, BAD},
    {"0x10", HOUR, BAD},
    {"0x1p1", HOUR, BAD},
    {"\xd9\xa2", HOUR, BAD},
};

static void
test_durations(void)
{
	int64_t us;
	size_t i, len;
	char *copy;

	for (i = 0; i < N(durations); i++) {
		/* what follows must not be read */
		len = strlen(durations[i].text);
		if ((copy = malloc(len + 1)) == NULL)
			abort();
		memcpy(copy, durations[i].text, len);
		copy[len] = '9';
		us = BAD;
		if (seconds_parse(copy, len, durations[i].max, &us) == -1)
			us = BAD;
		is(us, durations[i].us, "duration", durations[i].text);
		free(copy);
	}
}

static const struct {
	const char *text;
	int64_t s;
} hours[] = {
    {"1970-01-01T00", 0},
    {"1969-12-31T23", -3600},
    {"2025-11-15T02", 1763172000},
    {"2024-02-29T00", 1709164800},
    {"2000-02-29T12", 951825600},
    {"2038-01-19T04", 2147486400},
    {"0001-01-01T00", -62135596800},
    {"9999-12-31T23", 253402297200},
    {"", BAD},
    {"2025-11-15", BAD},
    {"2025-11-15T", BAD},
    {"2025-11-15T2", BAD},
    {"2025-11-15T002", BAD},
    {"2025-11-15T24", BAD},
    {"2025-11-15t02", BAD},
    {"2025-11-15 02", BAD},
    {"2025-11-15T02 ", BAD},
    {" 2025-11-15T02", BAD},
    {"2025-11-15T02\n", BAD},
    {"2025-11-15T02Z", BAD},
    {"2025-11-15T02:00", BAD},
    {"2025-11-15T02.bak", BAD},
    {"2025-11-15T-1", BAD},
    {"2025-11-15T+1", BAD},
    {"2025-11-15T 2", BAD},
    {"2025-11-00T02", BAD},
    {"2025-11-31T02", BAD},
    {"2025-00-15T02", BAD},
    {"2025-13-15T02", BAD},
    {"2025-02-29T00", BAD},
    {"1900-02-29T00", BAD},
    {"2100-02-29T00", BAD},
    {"2024-02-30T00", BAD},
    {"0000-01-01T00", BAD},
    {"10000-01-01T00", BAD},
    {"+025-11-15T02", BAD},
    {"-025-11-15T02", BAD},
    {"025-11-15T02", BAD},
    {"2025-1-15T02", BAD},
    {"2025/11/15T02", BAD},
    {"20251115T02", BAD},
    {"2025-1a-15T02", BAD},
    {"20\xd9\xa2-11-15T02", BAD},
    {"README", BAD},
};

static void
test_hours(void)
{
	char text[TIME_SIZE];
	int64_t t;
	size_t i;
	int ret;

	for (i = 0; i < N(hours); i++) {
		ret = hour_parse(hours[i].text, &t);
		if (hours[i].s == BAD) {
			is(ret, -1, "bad hour", hours[i].text);
			continue;
		}
		is(ret, 0, "hour", hours[i].text);
		is(t, hours[i].s * SECOND, "hour is", hours[i].text);
		hour_format(text, hours[i].s * SECOND);
		is_text(text, hours[i].text, "hour printed", hours[i].text);
		hour_format(text, hours[i].s * SECOND + HOUR - 1);
		is_text(text, hours[i].text, "its last us", hours[i].text);
	}
}

/* All days of a calendar that is counted here, day by day. */
static void
test_calendar(void)
{
	static const int lengths[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	struct many days = {"every day of the calendar", 0, 0};
	struct many none = {"the day after each month's last", 0, 0};
	char text[32], name[TIME_SIZE];
	int64_t day = -719162, t;
	int d, hour, length, month, year;

	for (year = 1; year <= 9999; year++) {
		for (month = 1; month <= 12; month++) {
			length = lengths[month - 1];
			if (month == 2 && year % 4 == 0 &&
			    (year % 100 != 0 || year % 400 == 0))
				length++;
			snprintf(text, sizeof(text), "%04d-%02d-%02dT00", year,
			    month, length + 1);
			many_is(&none, hour_parse(text, &t), -1, text);
			for (d = 1; d <= length; d++, day++) {
				if (year > 9 && (year < 1890 || year > 2410) &&
				    year < 9990)
					continue;
				hour = (int)((day % 24 + 24) % 24);
				snprintf(text, sizeof(text),
				    "%04d-%02d-%02dT%02d", year, month, d,
				    hour);
				t = -1;
				hour_parse(text, &t);
				many_is(
				    &days, t, (day * 24 + hour) * HOUR, text);
				hour_format(name, t);
				many_is(&days, strcmp(name, text), 0, text);
			}
		}
	}
	many_done(&days);
	many_done(&none);
}

static const struct {
	const char *text;
	int64_t us; /* 1: bad, for -1 is a time */
	bool date_only;
} times[] = {
    {"2025-11-15", 1763164800 * SECOND, true},
    {"2025-11-15T02", 1763172000 * SECOND, false},
    {"2025-11-15 02", 1763172000 * SECOND, false},
    {"2025-11-15T02:45", 1763174700 * SECOND, false},
    {"2025-11-15 02:45", 1763174700 * SECOND, false},
    {"2025-11-15T02:45:51", 1763174751 * SECOND, false},
    {"2025-11-15T02:45:51.6", 1763174751600000, false},
    {"2025-11-15T02:45:51.608", 1763174751608000, false},
    {"2025-11-15T02:45:51.608001", 1763174751608001, false},
    {"2025-11-15 02:45:51.608001", 1763174751608001, false},
    {"2025-11-15T02:45:51.608000Z", 1763174751608000, false},
    {"2025-11-15T02Z", 1763172000 * SECOND, false},
    {"2025-11-15T02:45Z", 1763174700 * SECOND, false},
    {"2025-11-15T02+00:00", 1763172000 * SECOND, false},
    {"2025-11-15T02-00:00", 1763172000 * SECOND, false},
    {"2025-11-15T02+01:00", 1763168400 * SECOND, false},
    {"2025-11-15T02-01:00", 1763175600 * SECOND, false},
    {"2025-11-15T02:45+05:30", 1763154900 * SECOND, false},
    {"2025-11-15T02:45:51-09:30", 1763208951 * SECOND, false},
    {"2025-11-15T00:30+01:00", 1763163000 * SECOND, false},
    {"2025-12-31T23:30-01:00", 1767227400 * SECOND, false},
    {"1970-01-01T00", 0, false},
    {"1969-12-31T23:59:59.999999", -1, false},
    {"1969-12-31", -86400 * SECOND, true},
    {"2024-02-29", 1709164800 * SECOND, true},
    {"9999-12-31T23:59:59.999999Z", 253402300799999999, false},
    {"", 1, false},
    {"now", 1, false},
    {"-6h", 1, false},
    {"2025", 1, false},
    {"2025-11", 1, false},
    {"2025-11-1", 1, false},
    {"2025-11-15T", 1, false},
    {"2025-11-15 ", 1, false},
    {" 2025-11-15", 1, false},
    {"2025-11-15  02", 1, false},
    {"2025-11-15_02", 1, false},
    {"2025-11-15T2", 1, false},
    {"2025-11-15T02:", 1, false},
    {"2025-11-15T02:4", 1, false},
    {"2025-11-15T02:45:", 1, false},
    {"2025-11-15T02:45:5", 1, false},
    {"2025-11-15T02:45:51.", 1, false},
    {"2025-11-15T02:45:51.6080001", 1, false},
    {"2025-11-15T02:45:51,608", 1, false},
    {"2025-11-15T02:45.5", 1, false},
    {"2025-11-15T02:45:51 Z", 1, false},
    {"2025-11-15T02:45:51ZZ", 1, false},
    {"2025-11-15T02:45:51Z ", 1, false},
    {"2025-11-15T02:45:51x", 1, false},
    {"2025-11-15T02:45:51+1:00", 1, false},
    {"2025-11-15T02:45:51+01", 1, false},
    {"2025-11-15T02:45:51+01:", 1, false},
    {"2025-11-15T02:45:51+01:0", 1, false},
    {"2025-11-15T02:45:51+01:00x", 1, false},
    {"2025-11-15T02:45:51+01:60", 1, false},
    {"2025-11-15T02:45:51+24:00", 1, false},
    {"2025-11-15T02:45:51Z+01:00", 1, false},
    {"2025-11-15T24", 1, false},
    {"2025-11-15T02:60", 1, false},
    {"2025-11-15T02:45:60", 1, false},
    {"2025-02-29", 1, false},
    {"2025-04-31", 1, false},
    {"2025-13-01", 1, false},
    {"0000-01-01", 1, false},
    {"12025-11-15", 1, false},
    {"15.11.2025", 1, false},
    {"1763172000", 1, false},
};

static void
test_times(void)
{
	int64_t t;
	size_t i;
	bool date_only;
	int ret;

	for (i = 0; i < N(times); i++) {
		t = 1;
		date_only = !times[i].date_only;
		ret = time_parse(times[i].text, &t, &date_only);
		if (times[i].us == 1) {
			is(ret, -1, "bad time", times[i].text);
			continue;
		}
		is(ret, 0, "time", times[i].text);
		is(t, times[i].us, "time is", times[i].text);
		is(date_only, times[i].date_only, "a bare date?",
		    times[i].text);
	}
}

static const struct {
	int64_t us;
	const char *text;
} printed[] = {
    {0, "1970-01-01T00:00:00.000000Z"},
    {-1, "1969-12-31T23:59:59.999999Z"},
    {1763174751608000, "2025-11-15T02:45:51.608000Z"},
    {1709251199999999, "2024-02-29T23:59:59.999999Z"},
    {-62135596800 * SECOND, "0001-01-01T00:00:00.000000Z"},
    {253402300799999999, "9999-12-31T23:59:59.999999Z"},
    {253402300805000000, "10000-01-01T00:00:05.000000Z"},
};

static void
test_printed(void)
{
	char text[TIME_SIZE];
	int64_t t;
	size_t i;
	bool date_only;

	for (i = 0; i < N(printed); i++) {
		time_format(text, printed[i].us);
		is_text(text, printed[i].text, "time printed", printed[i].text);
		if (strlen(printed[i].text) != 27)
			continue;
		t = 1;
		time_parse(printed[i].text, &t, &date_only);
		is(t, printed[i].us, "and read back", printed[i].text);
	}
	hour_format(text, -1);
	is_text(text, "1969-12-31T23", "hour printed", "-1 us");
	/* not reached by any name, but printed somehow: no overflow */
	time_format(text, INT64_MAX);
	is((int64_t)strlen(text) < TIME_SIZE, 1, "fits", "INT64_MAX");
	time_format(text, INT64_MIN + 1);
	is((int64_t)strlen(text) < TIME_SIZE, 1, "fits", "INT64_MIN + 1");
}

/* The code point of the four bytes at p, or -1, by its definition. */
static long
utf8_defined(const unsigned char *p, int *len)
{
	static const long smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	long c;
	int i, n;

	*len = 1;
	if (p[0] < 0x80)
		return p[0];
	for (n = 0; n < 8 && (p[0] & (0x80 >> n)) != 0; n++)
		continue;
	if (n < 2 || n > 4)
		return -1;
	c = p[0] & (0xff >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -1;
	*len = n;
	return c;
}

static void
test_utf8(void)
{
	static const unsigned char edge[] = {
	    'A', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff, 0};
	struct many m = {"UTF-8 by its definition", 0, 0};
	unsigned char text[5] = {0};
	unsigned first, fourth, second, third;
	const char *s;
	long wanted;
	int len;

	for (first = 1; first < 256; first++)
		for (second = 0; second < 256; second++)
			for (third = 0; third < sizeof(edge); third++)
				for (fourth = 0; fourth < sizeof(edge);
				     fourth++) {
					text[0] = (unsigned char)first;
					text[1] = (unsigned char)second;
					text[2] = edge[third];
					text[3] = edge[fourth];
					wanted = utf8_defined(text, &len);
					s = (const char *)text;
					many_is(&m, utf8_next(&s), wanted,
					    (const char *)text);
					many_is(&m, s - (const char *)text, len,
					    (const char *)text);
				}
	many_done(&m);
}

static const struct {
	const char *name;
	const char *utf8;
	const char *ascii;
} printables[] = {
    {"", "", ""}, {"plain name.ts", "plain name.ts", "plain name.ts"},
    {"quotes '\"`$", "quotes '\"`$", "quotes '\"`$"},
    {"a\\b", "a\\\\b", "a\\\\b"}, {"\\x1b", "\\\\x1b", "\\\\x1b"},
    {"\033[31mred\007", "\\x1b[31mred\\x07", "\\x1b[31mred\\x07"},
    {"two\nlines\r\t", "two\\x0alines\\x0d\\x09", "two\\x0alines\\x0d\\x09"},
    {"\001\037\177", "\\x01\\x1f\\x7f", "\\x01\\x1f\\x7f"},
    {"\xff\xfe", "\\xff\\xfe", "\\xff\\xfe"},
    {"\xc3\xa4", "\xc3\xa4", "\\xc3\\xa4"},
    {"\xe2\x82\xac", "\xe2\x82\xac", "\\xe2\\x82\\xac"},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\\xf0\\x9f\\x98\\x80"},
    {"\xe2\x82", "\\xe2\\x82", "\\xe2\\x82"},
    {"\xe2\x82z", "\\xe2\\x82z", "\\xe2\\x82z"},
    {"\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf"},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"},
    {"\xc2\x80", "\\xc2\\x80", "\\xc2\\x80"}, /* C1 */
    {"\xc2\x9b"
     "31m",
	"\\xc2\\x9b31m", "\\xc2\\x9b31m"},
    {"\xc2\x9f", "\\xc2\\x9f", "\\xc2\\x9f"},
    {"\xc2\xa0", "\xc2\xa0", "\\xc2\\xa0"},
    {"\xd8\x9b", "\xd8\x9b", "\\xd8\\x9b"}, /* U+061B */
    {"\xd8\x9c", "\\xd8\\x9c", "\\xd8\\x9c"}, /* U+061C */
    {"\xd8\x9e", "\xd8\x9e", "\\xd8\\x9e"},
    {"\xe2\x80\x8a", "\xe2\x80\x8a", "\\xe2\\x80\\x8a"}, /* U+200A */
    {"\xe2\x80\x8b", "\\xe2\\x80\\x8b", "\\xe2\\x80\\x8b"},
    {"\xe2\x80\x8f", "\\xe2\\x80\\x8f", "\\xe2\\x80\\x8f"},
    {"\xe2\x80\x90", "\xe2\x80\x90", "\\xe2\\x80\\x90"},
    {"\xe2\x80\xa7", "\xe2\x80\xa7", "\\xe2\\x80\\xa7"}, /* U+2027 */
    {"\xe2\x80\xa8", "\\xe2\\x80\\xa8", "\\xe2\\x80\\xa8"},
    {"\xe2\x80\xae", "\\xe2\\x80\\xae", "\\xe2\\x80\\xae"},
    {"\xe2\x80\xb0", "\xe2\x80\xb0", "\\xe2\\x80\\xb0"}, /* U+2030 */
    {"\xe2\x81\x9e", "\xe2\x81\x9e", "\\xe2\\x81\\x9e"}, /* U+205E */
    {"\xe2\x81\xa0", "\\xe2\\x81\\xa0", "\\xe2\\x81\\xa0"},
    {"\xe2\x81\xa6", "\\xe2\\x81\\xa6", "\\xe2\\x81\\xa6"},
    {"\xe2\x81\xaf", "\\xe2\\x81\\xaf", "\\xe2\\x81\\xaf"},
    {"\xe2\x81\xb0", "\xe2\x81\xb0", "\\xe2\\x81\\xb0"}, /* U+2070 */
    {"\xef\xbb\xbe", "\xef\xbb\xbe", "\\xef\\xbb\\xbe"},
    {"\xef\xbb\xbf", "\\xef\\xbb\\xbf", "\\xef\\xbb\\xbf"},
    {"\xef\xbf\xb9", "\\xef\\xbf\\xb9", "\\xef\\xbf\\xb9"},
    {"\xef\xbf\xbb", "\\xef\\xbf\\xbb", "\\xef\\xbf\\xbb"},
    {"\xef\xbf\xbd", "\xef\xbf\xbd", "\\xef\\xbf\\xbd"},
    {"\xf3\xa0\x80\x81", "\\xf3\\xa0\\x80\\x81",
	"\\xf3\\xa0\\x80\\x81"}, /* U+E0001 */
    {"\xf3\xa0\xbf\xbf", "\\xf3\\xa0\\xbf\\xbf",
	"\\xf3\\xa0\\xbf\\xbf"}, /* U+E0FFF */
};

static void
test_printables(void)
{
	char *text;
	size_t i;

	for (i = 0; i < N(printables); i++) {
		text = name_printable(printables[i].name, true);
		is_text(
		    text, printables[i].utf8, "in UTF-8", printables[i].ascii);
		free(text);
		text = name_printable(printables[i].name, false);
		is_text(
		    text, printables[i].ascii, "in ASCII", printables[i].ascii);
		free(text);
	}
}

/*
 * A directory of three names of one length, as a file system may have that
 * knows longer ones than NAME_MAX: bad, bad and hidden, and its tombstone.
 */
static size_t long_name;

ssize_t
getdents64(int fd, void *buf, size_t size)
{
	static const char *const ends[] = {"y.ts", "z.ts", "z.tombstone"};
	struct dirent64 *d = buf;
	size_t filled = 0, i, len;

	(void)fd;
	for (i = 0; long_name > 0 && i < N(ends); i++) {
		len = offsetof(struct dirent64, d_name) + long_name +
		    strlen(ends[i]) + 1;
		len = (len + 7) / 8 * 8;
		if (filled + len > size)
			break;
		memset(d, 0, len);
		d->d_reclen = (unsigned short)len;
		d->d_type = DT_REG;
		memset(d->d_name, 'x', long_name);
		memcpy(d->d_name + long_name, ends[i], strlen(ends[i]) + 1);
		d = (void *)((char *)d + len);
		filled += len;
	}
	long_name = 0;
	return (ssize_t)filled;
}

static void
test_long_names(void)
{
	static const size_t lengths[] = {100, 250, 255, 256, 300, 1000, 4000};
	struct listing l = {0};
	char input[32];
	size_t i;
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	for (i = 0; i < N(lengths); i++) {
		snprintf(input, sizeof(input), "%zu bytes", lengths[i] + 4);
		long_name = lengths[i];
		is(hour_list(fd, &l), 0, "long names are listed", input);
		is((int64_t)l.tombstoned, 1, "one is hidden", input);
		is((int64_t)l.bad, 1, "one is bad", input);
		if (l.bad_namesz == 1)
			is((int64_t)strlen(l.bad_names[0]),
			    (int64_t)lengths[i] + 4, "and whole", input);
	}
	listing_free(&l);
	(void)close(fd);
}

static int
print_durations(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int64_t us;

	while ((len = getline(&line, &size, stdin)) > 0) {
		if (line[len - 1] == '\n')
			len--;
		if (seconds_parse(line, (size_t)len, DURATION_MAX, &us) == -1)
			puts("bad");
		else
			printf("%" PRId64 "\n", us);
	}
	free(line);
	return 0;
}

int
main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "--durations") == 0)
		return print_durations();
	test_segments();
	test_alphabet();
	test_lengths();
	test_hashes();
	test_durations();
	test_hours();
	test_calendar();
	test_times();
	test_printed();
	test_utf8();
	test_printables();
	test_long_names();
	printf("1..%d\n", tests);
	return failures > 0;
}
