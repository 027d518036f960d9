/*
 * SPDX-License-Identifier: MIT
 *
 * TAP tests of segparse.c: names, durations, times, UTF-8, one hour read.
 *
 *	parse			runs them
 *	parse --durations	reads durations, a line each; prints microseconds
 *				or "bad", for the comparison with CPython's
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "../segparse.h"

#define TEXT_SIZE 1024
#define ZEROS     "0000000000000000000000000000000000000000000000000000000000"
#define BASE64URL                    \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz0123456789-_"

static const char *const type_names[] = {"full", "suspect", "partial", "temp"};
static int tests, failures;

/*
 * A test of many values is one line, after what was wrong with the first ones.
 */
static struct {
	int count, wrong;
} many;

static void
is(const char *got, const char *wanted, const char *input)
{
	many.count++;
	if (strcmp(got, wanted) == 0 || many.wrong++ > 9)
		return;
	input = name_printable(input, false);
	fprintf(
	    stderr, "# %s\n#\tgot    %s\n#\twanted %s\n", input, got, wanted);
	free((char *)input);
}

static void
is_number(int64_t got, int64_t wanted, const char *input)
{
	char text[2][32];

	snprintf(text[0], 32, "%" PRId64, got);
	snprintf(text[1], 32, "%" PRId64, wanted);
	is(text[0], text[1], input);
}

static void
done(const char *what)
{
	bool good = many.wrong == 0 && many.count > 0;

	printf("%sok %d - %s (%d)\n", good ? "" : "not ", ++tests, what,
	    many.count);
	failures += !good;
	many.count = many.wrong = 0;
}

static const char *const segments[][2] = {
    {"45:51.608000-2.0-full-7IS92rssMzoSBQDIevHStbTNy-URRV3Vw-jzZ6pwOZM.ts",
	"2751608000 2000000 full"},
    {"00:00-0-full-AA.ts", "0 0 full"},
    {"00:00-3600-full-AAA.ts", "0 3600000000 full"},
    {"59:59.999999-1-suspect-AAAA.ts", "3599999999 1000000 suspect"},
    {"01:02.1-2.-partial-abcdef.ts", "62100000 2000000 partial"},
    {"01:02.12-.5-full-__-.ts", "62120000 500000 full"},
    {"01:02.123-2-full----.ts", "62123000 2000000 full"},
    {"01:02.1234-2-full--_.ts", "62123400 2000000 full"},
    {"01:02.00001-2-full-0123456.ts", "62000010 2000000 full"},
    {"01:02.000000-2-full-AA-full-AA.ts", "62000000 2000000 full"},
    {"09:09-2-full-ABCDEFGH.ts", "549000000 2000000 full"},
    {"00:00-2e+3-full-AA.ts", "0 2000000000 full"},
    {"00:02-2.0-temp-e5d83d8f-8d2f-4b3c-8a77-0e4a8c6f4f11.ts",
	"2000000 2000000 temp"},
    {"00:02-2.0-temp-A.ts", "2000000 2000000 temp"},
    {"00:02-2.0-temp-.ts", "2000000 2000000 temp"},
    {"00:02-2.0-temp-a b\n\xff.ts.ts", "2000000 2000000 temp"}};

static const char *const bad_segments[] = {"ts", ".ts", "00:00.ts",
    "00:00-2.ts", "00:00-2-full.ts", "00:00-2-temp.ts", "00:00--2-full-AA.ts",
    "-00:00-2-full-AA.ts", "---.ts", "00:00-2--AA.ts", "00:00_2_full_AA.ts",
    " 0:02-2-full-AA.ts", "+0:02-2-full-AA.ts", "0:02-2-full-AA.ts",
    "00:2-2-full-AA.ts", "000:02-2-full-AA.ts", "00:002-2-full-AA.ts",
    "60:00-2-full-AA.ts", "00:60-2-full-AA.ts", "00:00.-2-full-AA.ts",
    "00:00.1234567-2-full-AA.ts", "00:00.+1-2-full-AA.ts",
    "00:00.1e1-2-full-AA.ts", "00:00,5-2-full-AA.ts", "00.00-2-full-AA.ts",
    "00:00:00-2-full-AA.ts", "00:00 -2-full-AA.ts",
    "\xd9\xa0\xd9\xa0:\xd9\xa0\xd9\xa2-2-full-AA.ts", "00:00-2-Full-AA.ts",
    "00:00-2-FULL-AA.ts", "00:00-2-fulls-AA.ts", "00:00-2-ful-AA.ts",
    "00:00-2- full-AA.ts", "00:00-2-suspec-AA.ts", "00:00-2-partialx-AA.ts",
    "00:00-2-TEMP-AA.ts", "00:00-2-tempx-AA.ts", "00:00-2-chat-AA.ts",
    "00:60-2-temp-AA.ts", "00:00-inf-temp-AA.ts", "00:00-inf-full-AA.ts",
    "00:00-3600.000001-full-AA.ts", "00:00-1e309-full-AA.ts",
    "00:00-1e12-full-AA.ts", "00:00-1e-3-full-AA.ts",
    "00:00-4294967297-full-AA.ts", "00:00-4294.967297-full-AA.ts",
    "00:00-2-full-.ts", "00:00-2-full-A.ts", "00:00-2-full--.ts",
    "00:00-2-full-ABCDE.ts", "00:00-2-full-ABCDEFGHI.ts",
    "00:00-2-full-AA==.ts", "00:00-2-full-AA+.ts", "00:00-2-full-AA/.ts",
    "00:00-2-full-AA.ts.ts", "00:00-2-full-AA .ts", "00:00-2-full-AA\n.ts",
    "00:00-2-full-\xc3\xa4.ts", "00:00-2-full-A\xff.ts"};

static const char *const durations[][2] = {{"2.0", "2000000"},
    {"2.002", "2002000"}, {"5.005000000000001", "5005000"}, {"2", "2000000"},
    {"2.", "2000000"}, {".5", "500000"}, {"0", "0"}, {"0.0", "0"},
    {"00000002.5", "2500000"}, {ZEROS ZEROS ZEROS ZEROS "2", "2000000"},
    {"2." ZEROS ZEROS ZEROS ZEROS "1", "2000000"}, {"3600", "3600000000"},
    {"3600.", "3600000000"}, {"3600.0", "3600000000"}, {"1e3", "1000000000"},
    {"1E3", "1000000000"}, {"1e+3", "1000000000"}, {"1.5e+1", "15000000"},
    {"1.e1", "10000000"}, {".1e1", "1000000"}, {"2e0", "2000000"},
    {"2e00000000000000000000000000", "2000000"},
    {"1e00000000000000000000000001", "10000000"}, {"0e999999999", "0"},
    {"0.0e99999999999999999999", "0"}, {"0.00000000000000000001e20", "1000000"},
    {"0.0000005", "0"}, {"0.0000015", "2"}, {"0.0000025", "2"},
    {"1.0000005", "1000001"}, {"1.5000005", "1500001"},
    {"1.9999995", "1999999"}, {"2.0000004999999999999999999999", "2000001"},
    {"2.0000005", "2000001"}, {"3599.9999995", "3599999999"},
    {"3600.0000004", "3600000000"}};

static const char *const bad_durations[] = {"3600.0000005", "3600.0000006",
    "3600.000001", "3601", "1e12", "999999999", "4294967296",
    "18446744073709551617", "18446744073709.551617", "1e308", "1e309", "1e400",
    "1e4294967296", "1e99999999999999999999", "1e18446744073709551616", "", ".",
    "e", "e5", ".e5", "2e", "2e+", "2e++1", "2e-1", "2e1.0", "2e1e1", "2 e1",
    "2..0", "2.0.0", "-2", "+2", "-0", " 2", "2 ", "2\n", "2,0", "1_000",
    "2.0f", "2s", "inf", "Infinity", "nan", "0x10", "0x1p1", "\xd9\xa2"};

/* the most that is allowed follows the slash */
static const char *const limits[][2] = {{"2/1", "bad"}, {"1/1", "1000000"},
    {"1.000001/1", "bad"}, {"0/0", "0"}, {"0.000001/0", "bad"},
    {"86400/86400", "86400000000"},
    {"3155760000.25/4000000000", "3155760000250000"}};

static const char *const hours[][2] = {{"1970-01-01T00", "0"},
    {"1969-12-31T23", "-3600000000"}, {"2025-11-15T02", "1763172000000000"},
    {"2024-02-29T00", "1709164800000000"}, {"2000-02-29T12", "951825600000000"},
    {"2038-01-19T04", "2147486400000000"},
    {"0001-01-01T00", "-62135596800000000"},
    {"9999-12-31T23", "253402297200000000"}};

static const char *const bad_hours[] = {"", "2025-11-15", "2025-11-15T",
    "2025-11-15T2", "2025-11-15T002", "2025-11-15T24", "2025-11-15t02",
    "2025-11-15 02", "2025-11-15T02 ", " 2025-11-15T02", "2025-11-15T02\n",
    "2025-11-15T02Z", "2025-11-15T02:00", "2025-11-15T02.bak", "2025-11-15T-1",
    "2025-11-15T+1", "2025-11-15T 2", "2025-11-00T02", "2025-11-31T02",
    "2025-00-15T02", "2025-13-15T02", "2025-02-29T00", "1900-02-29T00",
    "2100-02-29T00", "2024-02-30T00", "0000-01-01T00", "10000-01-01T00",
    "+025-11-15T02", "-025-11-15T02", "025-11-15T02", "2025-1-15T02",
    "2025/11/15T02", "20251115T02", "2025-1a-15T02", "20\xd9\xa2-11-15T02",
    "README"};

static const char *const times[][2] = {{"2025-11-15", "1763164800000000 date"},
    {"2025-11-15T02", "1763172000000000"},
    {"2025-11-15 02", "1763172000000000"},
    {"2025-11-15T02:45", "1763174700000000"},
    {"2025-11-15 02:45", "1763174700000000"},
    {"2025-11-15T02:45:51", "1763174751000000"},
    {"2025-11-15T02:45:51.6", "1763174751600000"},
    {"2025-11-15T02:45:51.608", "1763174751608000"},
    {"2025-11-15T02:45:51.608001", "1763174751608001"},
    {"2025-11-15 02:45:51.608001", "1763174751608001"},
    {"2025-11-15T02:45:51.608000Z", "1763174751608000"},
    {"2025-11-15T02Z", "1763172000000000"},
    {"2025-11-15T02:45Z", "1763174700000000"},
    {"2025-11-15T02+00:00", "1763172000000000"},
    {"2025-11-15T02-00:00", "1763172000000000"},
    {"2025-11-15T02+01:00", "1763168400000000"},
    {"2025-11-15T02-01:00", "1763175600000000"},
    {"2025-11-15T02:45+05:30", "1763154900000000"},
    {"2025-11-15T02:45:51-09:30", "1763208951000000"},
    {"2025-11-15T00:30+01:00", "1763163000000000"},
    {"2025-12-31T23:30-01:00", "1767227400000000"}, {"1970-01-01T00", "0"},
    {"1969-12-31T23:59:59.999999", "-1"}, {"1969-12-31", "-86400000000 date"},
    {"2024-02-29", "1709164800000000 date"},
    {"9999-12-31T23:59:59.999999Z", "253402300799999999"}};

static const char *const bad_times[] = {"", "now", "-6h", "2025", "2025-11",
    "2025-11-1", "2025-11-15T", "2025-11-15 ", " 2025-11-15", "2025-11-15  02",
    "2025-11-15_02", "2025-11-15T2", "2025-11-15T02:", "2025-11-15T02:4",
    "2025-11-15T02:45:", "2025-11-15T02:45:5", "2025-11-15T02:45:51.",
    "2025-11-15T02:45:51.6080001", "2025-11-15T02:45:51,608",
    "2025-11-15T02:45.5", "2025-11-15T02:45:51 Z", "2025-11-15T02:45:51ZZ",
    "2025-11-15T02:45:51Z ", "2025-11-15T02:45:51x", "2025-11-15T02:45:51+1:00",
    "2025-11-15T02:45:51+01",
    "2025-11-15T02:45:51+01:", "2025-11-15T02:45:51+01:0",
    "2025-11-15T02:45:51+01:00x", "2025-11-15T02:45:51+01:60",
    "2025-11-15T02:45:51+24:00", "2025-11-15T02:45:51Z+01:00", "2025-11-15T24",
    "2025-11-15T02:60", "2025-11-15T02:45:60", "2025-02-29", "2025-04-31",
    "2025-13-01", "0000-01-01", "12025-11-15", "15.11.2025", "1763172000"};

static const char *const printed[][2] = {{"0", "1970-01-01T00:00:00.000000Z"},
    {"-1", "1969-12-31T23:59:59.999999Z"},
    {"1763174751608000", "2025-11-15T02:45:51.608000Z"},
    {"1709251199999999", "2024-02-29T23:59:59.999999Z"},
    {"-62135596800000000", "0001-01-01T00:00:00.000000Z"},
    {"253402300799999999", "9999-12-31T23:59:59.999999Z"},
    {"253402300805000000", "10000-01-01T00:00:05.000000Z"}};

static const char *const lengths[][2] = {{"0", "0"}, {"1", "0.000001"},
    {"-500000", "-0.5"}, {"2002000", "2.002"}, {"3600000000", "3600"},
    {"-9223372036854775808", "-9223372036854.775808"}};

/*
 * Each of these tells in words what became of an input.
 */

static void
segment_told(char *out, const char *name)
{
	struct segment seg = {0};
	size_t len = strlen(name);
	char *copy = malloc(len); /* no NUL: a byte too far is found */

	memcpy(copy, name, len);
	if (segment_parse(copy, len, &seg) == 0)
		sprintf(out, "%u %u %s", seg.offset, seg.duration,
		    type_names[seg.type]);
	free(copy);
}

static void
limited_told(char *out, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	int64_t max = slash == NULL ? HOUR
				    : strtoll(slash + 1, NULL, 10) * SECOND,
		us;
	char *copy = malloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '9'; /* is not to be read */
	if (seconds_parse(copy, len, max, &us) == 0)
		sprintf(out, "%" PRId64, us);
	free(copy);
}

static void
hour_told(char *out, const char *name)
{
	char first[TIME_SIZE], last[TIME_SIZE];
	int64_t t;

	if (hour_parse(name, &t) != 0)
		return;
	hour_format(first, t);
	hour_format(last, t + HOUR - 1);
	sprintf(out, "%" PRId64 "%s", t,
	    strcmp(first, name) == 0 && strcmp(last, name) == 0
		? ""
		: " misprinted");
}

static void
time_told(char *out, const char *text)
{
	int64_t t;
	bool date_only;

	if (time_parse(text, &t, &date_only) == 0)
		sprintf(out, "%" PRId64 "%s", t, date_only ? " date" : "");
}

static void
instant_told(char *out, const char *us)
{
	time_format(out, strtoll(us, NULL, 10));
}

static void
seconds_told(char *out, const char *us)
{
	seconds_format(out, strtoll(us, NULL, 10));
}

static void
table(const char *what, const char *const (*rows)[2], size_t n,
    void (*told)(char *, const char *))
{
	char out[TEXT_SIZE];
	size_t i;

	for (i = 0; i < n; i++) {
		strcpy(out, "bad");
		told(out, rows[i][0]);
		is(out, rows[i][1], rows[i][0]);
	}
	done(what);
}

static void
bad_table(const char *what, const char *const *rows, size_t n,
    void (*told)(char *, const char *))
{
	char out[TEXT_SIZE];
	size_t i;

	for (i = 0; i < n; i++) {
		strcpy(out, "bad");
		told(out, rows[i]);
		is(out, "bad", rows[i]);
	}
	done(what);
}

/*
 * Each byte at each place of a name.
 */
static void
test_alphabet(void)
{
	static const char name[] = "00:00.0-1.0e1-full-"
				   "7IS92rssMzoSBQDIevHStbTNy-URRV3Vw-jzZ6p";
	static const char *allowed[] = {"012345", "0123456789", ":", "012345",
	    "0123456789", ".", "0123456789", "-", "0123456789", ".0123456789",
	    "0123456789", "eE0123456789", "0123", "-", "f", "u", "l", "l", "-"};
	char out[TEXT_SIZE], text[sizeof(name) + 3];
	const char *good;
	size_t i;
	int byte;

	for (i = 0; i < sizeof(name) - 1; i++) {
		good = i < LENGTH(allowed) ? allowed[i] : BASE64URL;
		for (byte = 1; byte < 256; byte++) {
			snprintf(text, sizeof(text), "%s.ts", name);
			text[i] = (char)byte;
			strcpy(out, "bad");
			segment_told(out, text);
			is_number(strcmp(out, "bad") != 0,
			    strchr(good, byte) != NULL, text);
		}
	}
	done("one byte of a name changed");
}

/*
 * Every day that has a name, at changing hours, is libc's.
 */
static void
test_calendar(void)
{
	char name[TIME_SIZE], text[TIME_SIZE];
	time_t seconds = -62135596800;
	int64_t t;
	struct tm tm;

	for (; seconds < 253402300800; seconds += INT64_C(25) * 3600) {
		gmtime_r(&seconds, &tm);
		snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour);
		hour_format(name, seconds * SECOND);
		is(name, text, text);
		if (hour_parse(text, &t) != 0 || t != seconds * SECOND)
			is("misread", "read", text);
	}
	done("every day");
}

static void
test_utf8(void)
{
	char text[8];
	const char *s;
	long c;

	for (c = 1; c < 0x110000; c++) {
		if (c >= 0xd800 && c < 0xe000)
			continue;
		snprintf(text, sizeof(text), "%lc", (wint_t)c);
		s = text;
		if (utf8_next(&s) != c || *s != '\0')
			is("misread", "read", text);
	}
	many.count = (int)c;
	done("every code point");
}

static char *
escaped(char *out, const char *s)
{
	char *end = out;

	for (*end = '\0'; *s != '\0'; s++)
		end += sprintf(end, "\\x%02x", (unsigned)(unsigned char)*s);
	return out;
}

static void
printable_is(const char *name, const char *utf8, const char *ascii)
{
	char *text = name_printable(name, true);

	is(text, utf8, name);
	free(text);
	text = name_printable(name, false);
	is(text, ascii, name);
	free(text);
}

static void
test_printable(void)
{
	/* shown, hidden, shown... from each of them on */
	static const long edges[] = {0, 0x20, 0x7f, 0xa0, 0x61c, 0x61d, 0x200b,
	    0x2010, 0x2028, 0x202f, 0x2060, 0x2070, 0xfeff, 0xff00, 0xfff9,
	    0xfffc, 0xe0000, 0xe1000, 0x110000};
	static const char *const invalid[] = {"\x80", "\xff\xfe", "\xe2\x82",
	    "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
	    "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
	    "\xf5\x80\x80\x80", "\xf0\x9f\x98", "\xf8\x88\x80\x80\x80"};
	char bytes[32], utf8[8];
	long c;
	size_t i;

	for (i = 1; i < LENGTH(edges); i++)
		for (c = edges[i] - 1; c <= edges[i] && c < 0x110000; c++) {
			snprintf(utf8, sizeof(utf8), "%lc", (wint_t)c);
			escaped(bytes, utf8);
			printable_is(utf8,
			    (c == edges[i]) == (i % 2 == 1) ? utf8 : bytes,
			    c >= 0x20 && c < 0x7f ? utf8 : bytes);
		}
	for (i = 0; i < LENGTH(invalid); i++) {
		escaped(bytes, invalid[i]);
		printable_is(invalid[i], bytes, bytes);
	}
	printable_is("a\\b '\"`$\n", "a\\\\b '\"`$\\x0a", "a\\\\b '\"`$\\x0a");
	printable_is("\xe2\x82z", "\\xe2\\x82z", "\\xe2\\x82z");
	done("names made printable");
}

/*
 * How an hour's directory is made, and what is read of it at half past: best
 * segments, then what is not 0.
 */
static const struct {
	const char *make;
	const char *wanted;
} readings[] = {
    {":", ""},
    {"touch 00:00-2-full-aa.ts 00:02-2-suspect-aa.ts 00:04-2-partial-aa.ts "
     "00:06-2-temp-aa.ts",
	"0+2f 2+2s 4+2p full 1/2 suspect 1/2 partial 1/2 incomplete 2/4 "
	"temp 1"},
    /* by start, not by name */
    {"touch 01:00.5-2-full-aa.ts 01:00-2-full-aa.ts", "60+2f 60.5+2f full 2/4"},
    /* the longest full one */
    {"touch 00:00-2-full-ab.ts 00:00-3-full-aa.ts 00:00.0-1-full-zz.ts",
	"0+3f full 3/6 overlap full 2/3"},
    {"touch 00:00-2-full-aa.ts; echo >00:00-9-suspect-aa.ts",
	"0+2f full 1/2 suspect 1/9 overlap suspect 1/9"},
    {"touch 00:00-2-suspect-aa.ts; echo >00:00-9-partial-aa.ts",
	"0+2s suspect 1/2 partial 1/9 overlap partial 1/9 incomplete 1/2"},
    /* the largest suspect, of equal ones the last name */
    {"echo a >00:00-2-suspect-aa.ts; echo ab >00:00-3-suspect-aa.ts; "
     "echo >00:00-4-suspect-aa.ts",
	"0+3s suspect 3/9 overlap suspect 2/6 incomplete 1/3"},
    {"touch 00:00-4-partial-aa.ts 00:00-3-partial-aa.ts 00:00-2-partial-aa.ts",
	"0+4p partial 3/9 overlap partial 2/5 incomplete 1/4"},
    /* tombstones hide what is there, whatever it is */
    {"touch 00:00-2-full-aa.ts 00:00-2-full-aa.tombstone 00:00-3-full-aa.ts "
     "00:02-2-temp-aa.ts 00:02-2-temp-aa.tombstone x.ts x.tombstone "
     "y.tombstone 00:04-2-full-aa.tombstone z.ts zz.tombstone",
	"0+3f full 1/3 bad 1 tombstoned 3"},
    /* not segments; bad ones */
    {"touch chat.json .00:00-2-full-aa.ts ts 00:00-2-full-aa", ""},
    {"touch a x.ts 00:00-2-full-a.ts; mkdir 00:00-2-full-aa.ts; "
     "ln -s gone 00:02-2-full-aa.ts; ln -s . 00:04-2-full-aa.ts; "
     "ln -s a 00:06-2-full-aa.ts; mkfifo 00:08-2-full-aa.ts",
	"6+2f full 1/2 bad 6"},
    /* a minute ahead of the clock, and more */
    {"touch 31:00-2-full-aa.ts 31:00.000001-2-full-aa.ts "
     "45:00-2-suspect-aa.ts 45:00-2-temp-aa.ts",
	"1860+2f full 1/2 temp 1 ahead 2"},
    {"touch 00:00-2-full-aa.ts", "0+2f full 1/2"},
};

/* with --sizes */
static const char empty_ones[] =
    "touch 00:00-2-full-aa.ts 00:04-2-temp-aa.ts 40:00-2-full-aa.ts; "
    "echo >00:02-2-full-aa.ts";

static char *
tally_told(char *out, const char *what, size_t count, int64_t us)
{
	if (count == 0)
		return out;
	out += sprintf(out, " %s %zu", what, count);
	return us == 0 ? out : out + sprintf(out, "/%g", (double)us / SECOND);
}

static void
reading_told(char *start, const struct reading *r)
{
	const struct counts *c = &r->hour.counts;
	char *out = start, name[32];
	size_t i;

	*out = '\0';
	for (i = 0; i < r->bestsz; i++)
		out += sprintf(out, " %g+%g%c", r->best[i].offset / 1e6,
		    r->best[i].duration / 1e6, type_names[r->best[i].type][0]);
	for (i = 0; i < SEGMENT_TYPES; i++)
		out = tally_told(out, type_names[i], c->segments[i].count,
		    c->segments[i].duration);
	for (i = 0; i < SEGMENT_TYPES; i++) {
		snprintf(name, sizeof(name), "overlap %s", type_names[i]);
		out = tally_told(
		    out, name, c->overlaps[i].count, c->overlaps[i].duration);
	}
	out = tally_told(
	    out, "incomplete", c->incomplete.count, c->incomplete.duration);
	out = tally_told(out, "temp", c->temp, 0);
	out = tally_told(out, "bad", c->bad, 0);
	out = tally_told(out, "tombstoned", c->tombstoned, 0);
	out = tally_told(out, "empty", c->empty, 0);
	tally_told(out, "ahead", c->ahead, 0);
	memmove(start, start + (*start == ' '), strlen(start));
}

static void __attribute__((format(printf, 1, 2))) shell(const char *fmt, ...)
{
	char command[TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	/* NOLINTNEXTLINE(cert-env33-c): commands of this file's own */
	if (system(command) != 0)
		abort();
}

/*
 * Makes an hour's directory, reads it and removes it.
 */
static void
reading_take(const struct options *opt, const char *make, struct reading *r)
{
	static struct listing *l;
	size_t i;
	int dir = open(".", O_RDONLY);

	if (l == NULL)
		l = listing_new();
	shell("mkdir 1970-01-01T00 && cd 1970-01-01T00 && { %s; }", make);
	hour_read(opt, dir, 0, false, INT64_MAX, l, r);
	is_number(
	    (int64_t)r->hour.bad_namesz, (int64_t)r->hour.counts.bad, make);
	for (i = 0; i < r->hour.bad_namesz; i++)
		free(r->hour.bad_names[i]);
	free(r->hour.bad_names);
	shell("rm -r 1970-01-01T00");
	close(dir);
}

static void
test_readings(void)
{
	struct options opt = {.now = 30 * MINUTE, .format = FORMAT_JSON};
	struct reading r = {0};
	char out[TEXT_SIZE];
	size_t i;

	for (i = 0; i < LENGTH(readings); i++) {
		reading_take(&opt, readings[i].make, &r);
		reading_told(out, &r);
		is(out, readings[i].wanted, readings[i].make);
	}
	opt.sizes = true;
	reading_take(&opt, empty_ones, &r);
	reading_told(out, &r);
	is(out, "2+2f full 1/2 temp 1 bad 1 empty 1 ahead 1", empty_ones);
	done("an hour read");
	/* many in some seconds, none in others, several at some starts */
	opt.now = DAY;
	opt.sizes = false;
	reading_take(&opt,
	    "awk 'BEGIN { for (; i < 3000; i++) { t = rand() < .5 ? "
	    "int(rand() * 3600) : rand() * 5; printf \"%02d:%09.6f-1-full-"
	    "%04d.ts\\n\", t / 60, t % 60, i } }' | xargs touch",
	    &r);
	is_number((int64_t)(r.bestsz + r.hour.counts.overlaps[0].count), 3000,
	    "best or not");
	is_number(r.bestsz < 2900, 1, "not all are best");
	for (i = 1; i < r.bestsz; i++)
		if (r.best[i - 1].offset >= r.best[i].offset)
			is("out of order", "in order", "best segments");
	done("many segments in order of start");
	free(r.best);
}

static void
test_unreadable(void)
{
	static const struct {
		const char *make;
		int error;
	} made[] = {{":", ENOENT}, {"touch", ENOTDIR},
	    {"ln -s 1970-01-01T00", ELOOP}, {"ln -s gone", ENOENT}};
	struct options opt = {.now = DAY};
	struct listing *l = listing_new();
	struct reading r = {0};
	int dir = open(".", O_RDONLY);
	size_t i;

	for (i = 0; i < LENGTH(made); i++) {
		shell("%s 1970-01-01T00", made[i].make);
		hour_read(&opt, dir, 0, false, INT64_MAX, l, &r);
		is_number(r.error, made[i].error, made[i].make);
		is_number(r.hour.readable || r.bestsz > 0, 0, made[i].make);
		shell("rm -f 1970-01-01T00");
	}
	done("an hour that cannot be read");
	listing_free(l);
	close(dir);
}

static int
print_durations(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int64_t us;

	while ((len = getline(&line, &size, stdin)) > 0) {
		len -= line[len - 1] == '\n';
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
	char dir[] = "/tmp/coverage-parse.XXXXXX";

	if (argc == 2 && strcmp(argv[1], "--durations") == 0)
		return print_durations();
	setlocale(LC_CTYPE, "C.UTF-8");
	table("names", segments, LENGTH(segments), segment_told);
	bad_table(
	    "bad names", bad_segments, LENGTH(bad_segments), segment_told);
	table("durations", durations, LENGTH(durations), limited_told);
	table("their limits", limits, LENGTH(limits), limited_told);
	bad_table("bad durations", bad_durations, LENGTH(bad_durations),
	    limited_told);
	table("hours", hours, LENGTH(hours), hour_told);
	bad_table("bad hours", bad_hours, LENGTH(bad_hours), hour_told);
	table("instants", times, LENGTH(times), time_told);
	bad_table("bad instants", bad_times, LENGTH(bad_times), time_told);
	table("instants printed", printed, LENGTH(printed), instant_told);
	table("seconds printed", lengths, LENGTH(lengths), seconds_told);
	test_alphabet();
	test_calendar();
	test_utf8();
	test_printable();
	if (mkdtemp(dir) == NULL || chdir(dir) != 0)
		abort();
	test_readings();
	test_unreadable();
	shell("rmdir %s", dir);
	printf("1..%d\n", tests);
	return failures > 0;
}
