/*
 * For the fuzzers: what a name means, told a second time and slowly, with the
 * C library's own means.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../segparse.h"

#define MUST(truth) ((truth) ? (void)0 : must_fail(#truth, __FILE__, __LINE__))

/*
 * From here to FUZZ_END, the end of the fuzzer: edges that are counted, and
 * looked for, are the program's alone.
 */
#ifdef __clang__
#define FUZZ_END _Pragma("clang attribute pop")
#pragma clang attribute push( \
    __attribute__((no_sanitize("coverage"))), apply_to = function)
#else
#define FUZZ_END
#endif

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void __attribute__((noreturn))
must_fail(const char *truth, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, truth);
	abort();
}

/*
 * Moves behind as many digits as there are, up to max; returns how many.
 */
static size_t
slow_digits(const char **s, size_t max)
{
	size_t n = strspn(*s, "0123456789");

	n = n < max ? n : max;
	*s += n;
	return n;
}

/*
 * Whether s begins with the form, in which 0 stands for any digit.
 */
static bool
slow_form(const char *s, const char *form)
{
	for (; *form != '\0'; s++, form++)
		if (*form == '0' ? *s < '0' || *s > '9' : *s != *form)
			return false;
	return true;
}

/*
 * Whether s is all `D`, `D.D`, `D.` or `.D`, and perhaps e, + and digits.
 */
static bool
slow_number(const char *s)
{
	size_t digits = slow_digits(&s, SIZE_MAX);

	if (*s == '.') {
		s++;
		digits += slow_digits(&s, SIZE_MAX);
	}
	if (digits > 0 && *s != '\0' && strchr("eE", *s) != NULL) {
		s++;
		s += *s == '+';
		digits = slow_digits(&s, SIZE_MAX);
	}
	return digits > 0 && *s == '\0';
}

/*
 * As datetime.timedelta(seconds=float(s)) of CPython. Returns -1 for what is
 * no number, or more than max.
 */
static int64_t
slow_seconds(const char *s, int64_t max)
{
	double fraction, seconds, whole;
	int64_t us;

	if (!slow_number(s))
		return -1;
	seconds = strtod(s, NULL);
	fraction = modf(seconds, &whole);
	if (!(whole <= (double)max / 1e6))
		return -1;
	us = (int64_t)whole * SECOND + (int64_t)nearbyint(fraction * 1e6);
	return us > max ? -1 : us;
}

/*
 * An instant as the options take it, or TIME_NONE. What is left out of
 * `2025-11-15T02:45:51.608000` is filled in first; a zone is cut off.
 */
static int64_t
slow_time(const char *s, bool *date_only)
{
	static const char form[] = "0000-00-00T00:00:00.000000";
	char copy[64] = "";
	int64_t t, zone = 0;
	size_t len = strlen(s);
	struct tm tm = {0};
	int day;
	bool zoned = false;

	if (len >= sizeof(copy))
		return TIME_NONE;
	memcpy(copy, s, len);
	if (len > 10 && copy[len - 1] == 'Z') {
		zoned = true;
		len--;
	} else if (len > 16 && strchr("+-", s[len - 6]) != NULL &&
	    slow_form(s + len - 5, "00:00")) {
		zoned = true;
		len -= 6;
		zone = (strtol(s + len + 1, NULL, 10) * 60 +
			   strtol(s + len + 4, NULL, 10)) *
		    60 * SECOND * (s[len] == '+' ? 1 : -1);
		if (s[len + 1] > '2' || strncmp(s + len + 1, "24", 2) >= 0 ||
		    s[len + 4] > '5')
			return TIME_NONE;
	}
	*date_only = len == 10 && !zoned;
	if ((len != 10 || zoned) && len != 13 && len != 16 && len != 19 &&
	    (len < 21 || len > 26))
		return TIME_NONE;
	memcpy(copy + len, form + len, sizeof(form) - len);
	if (copy[10] == ' ')
		copy[10] = 'T';
	if (!slow_form(copy, form) || copy[17] > '5' ||
	    strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm) == NULL ||
	    tm.tm_year < 1 - 1900)
		return TIME_NONE;
	day = tm.tm_mday;
	t = timegm(&tm) * SECOND + strtol(copy + 20, NULL, 10) - zone;
	return tm.tm_mday == day ? t : TIME_NONE; /* no 31 February */
}

/*
 * The name of an hour, or TIME_NONE.
 */
static int64_t
slow_hour_parse(const char *s)
{
	bool date_only;

	return strlen(s) == 13 && s[10] == 'T' ? slow_time(s, &date_only)
					       : TIME_NONE;
}

/*
 * An instant as it is printed.
 */
static void
slow_time_format(char buf[TIME_SIZE], int64_t t)
{
	int64_t rest = (t % SECOND + SECOND) % SECOND;
	time_t seconds = (t - rest) / SECOND;
	struct tm tm;

	MUST(gmtime_r(&seconds, &tm) != NULL);
	(void)snprintf(buf, TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, (int)rest);
}

/*
 * `MM:SS` or `MM:SS.f`, in microseconds, or -1.
 */
static int64_t
slow_offset(const char *s)
{
	char fraction[] = "000000";
	const char *rest;
	size_t n;

	if (!slow_form(s, "00:00") || s[0] > '5' || s[3] > '5')
		return -1;
	rest = s + 5;
	if (*rest == '.') {
		rest++;
		if ((n = slow_digits(&rest, 6)) == 0)
			return -1;
		memcpy(fraction, rest - n, n);
	}
	if (*rest != '\0')
		return -1;
	return (strtol(s, NULL, 10) * 60 + strtol(s + 3, NULL, 10)) * SECOND +
	    strtol(fraction, NULL, 10);
}

/*
 * Whether a name that ends in .ts is a segment's; its type may be temp.
 */
static bool
slow_parse(const char *name, struct segment *seg)
{
	static const char *const types[] = {
	    "full", "suspect", "partial", "temp"};
	char copy[512], *hash, *next = copy, *parts[3];
	int64_t offset, us;
	int i;

	if (strlen(name) >= sizeof(copy))
		return false;
	memcpy(copy, name, strlen(name) + 1);
	copy[strlen(copy) - 3] = '\0';
	for (i = 0; i < 3; i++) {
		parts[i] = next;
		if ((next = strchr(next, '-')) == NULL)
			return false;
		*next++ = '\0';
	}
	hash = next;
	offset = slow_offset(parts[0]);
	us = slow_seconds(parts[1], HOUR);
	for (i = 0; i < 4 && strcmp(parts[2], types[i]) != 0; i++)
		;
	if (offset < 0 || us < 0 || i == 4)
		return false;
	seg->offset = (uint32_t)offset;
	seg->duration = (uint32_t)us;
	seg->type = (enum segment_type)i;
	return i == 3 ||
	    (*hash != '\0' && strlen(hash) % 4 != 1 &&
		hash[strspn(hash,
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789-_")] == '\0');
}

/*
 * How many bytes the well-formed UTF-8 sequence at s has, by the table of
 * RFC 3629; 0 where there is none.
 */
static size_t
slow_sequence(const char *s)
{
	static const unsigned char table[][8] = {{0x01, 0x7f},
	    {0xc2, 0xdf, 0x80, 0xbf}, {0xe0, 0xe0, 0xa0, 0xbf, 0x80, 0xbf},
	    {0xe1, 0xec, 0x80, 0xbf, 0x80, 0xbf},
	    {0xed, 0xed, 0x80, 0x9f, 0x80, 0xbf},
	    {0xee, 0xef, 0x80, 0xbf, 0x80, 0xbf},
	    {0xf0, 0xf0, 0x90, 0xbf, 0x80, 0xbf, 0x80, 0xbf},
	    {0xf1, 0xf3, 0x80, 0xbf, 0x80, 0xbf, 0x80, 0xbf},
	    {0xf4, 0xf4, 0x80, 0x8f, 0x80, 0xbf, 0x80, 0xbf}};
	unsigned char c;
	size_t i, n;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (n = 0; n < 4 && table[i][2 * n] != 0; n++) {
			c = (unsigned char)s[n];
			if (c < table[i][2 * n] || c > table[i][2 * n + 1])
				break;
		}
		if (n == 4 || table[i][2 * n] == 0)
			return n;
	}
	return 0;
}

static bool
slow_utf8(const char *s)
{
	size_t n;

	for (; *s != '\0'; s += n)
		if ((n = slow_sequence(s)) == 0)
			return false;
	return true;
}

#endif
