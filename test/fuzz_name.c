/*
 * Fuzzes what reads a name: segment_parse against a slow reading of the same
 * grammar, the others against the limits of what they may return.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../segparse.h"

#define DIGITS "0123456789"
#define BASE64 DIGITS "-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static int
start_read(const char *s, int64_t *us)
{
	size_t minutes = strspn(s, DIGITS), seconds, digits;
	const char *p = s + minutes + 1;

	if (minutes != 2 || s[2] != ':')
		return -1;
	seconds = strspn(p, DIGITS);
	digits = p[2] == '.' ? strspn(p + 3, DIGITS) : 0;
	if (seconds != 2 || *s > '5' || *p > '5' || digits > 6)
		return -1;
	if (p[2] == '.' ? digits == 0 || p[3 + digits] != '\0' : p[2] != '\0')
		return -1;
	*us = ((s[0] - '0') * 600 + (s[1] - '0') * 60) * SECOND;
	*us += ((p[0] - '0') * 10 + p[1] - '0') * SECOND;
	if (digits > 0)
		*us += llrint(strtod(p + 2, NULL) * 1e6);
	return 0;
}

static int
duration_read(const char *s, int64_t *us)
{
	size_t whole = strspn(s, DIGITS), fraction = 0, exponent;
	const char *p = s + whole;
	double d, seconds;

	if (*p == '.')
		p += 1 + (fraction = strspn(p + 1, DIGITS));
	if (whole + fraction == 0)
		return -1;
	if (*p == 'e' || *p == 'E') {
		p += p[1] == '+' ? 2 : 1;
		if ((exponent = strspn(p, DIGITS)) == 0)
			return -1;
		p += exponent;
	}
	d = strtod(s, NULL);
	if (*p != '\0' || d > 4000)
		return -1;
	seconds = floor(d);
	*us = llrint(seconds) * SECOND + llrint((d - seconds) * 1e6);
	return *us <= DURATION_MAX ? 0 : -1;
}

/* name ends in .ts, and is written to */
static int
name_read(char *name, int64_t *start, int64_t *duration, int *type)
{
	static const char *const types[] = {
	    "full", "suspect", "partial", "temp"};
	char *rest = name, *part[3];
	size_t n;

	name[strlen(name) - 3] = '\0';
	for (n = 0; n < 3; n++)
		if ((part[n] = strsep(&rest, "-")) == NULL || rest == NULL)
			return -1;
	for (*type = 0; *type < 4 && strcmp(part[2], types[*type]) != 0;)
		(*type)++;
	n = strlen(rest);
	if (*type == 4 ||
	    (*type != SEGMENT_TEMP &&
		(n == 0 || n % 4 == 1 || strspn(rest, BASE64) != n)))
		return -1;
	return start_read(part[0], start) | duration_read(part[1], duration);
}

static void
segment_fuzz(const char *text, size_t len)
{
	struct segment seg;
	int64_t start, duration;
	int type;
	char *name, *copy;

	CHECK((name = malloc(len + 4)) != NULL);
	memcpy(name, text, len);
	memcpy(name + len, ".ts", 4);
	CHECK((copy = strdup(name)) != NULL);
	if (name_read(copy, &start, &duration, &type) != 0)
		CHECK(segment_parse(name, len + 3, &seg) != 0);
	else {
		CHECK(segment_parse(name, len + 3, &seg) == 0);
		CHECK(seg.offset == start && seg.duration == duration);
		CHECK((int)seg.type == type);
	}
	free(copy);
	free(name);
}

static void
others_fuzz(const char *text, size_t len)
{
	char at[TIME_SIZE], *printed;
	const char *p;
	int64_t t, again;
	bool date_only;
	int utf8;

	if (hour_parse(text, &t) == 0) {
		hour_format(at, t);
		CHECK(strcmp(at, text) == 0);
	}
	if (time_parse(text, &t, &date_only) == 0) {
		time_format(at, t);
		CHECK(time_parse(at, &again, &date_only) != 0 || again == t);
	}
	if (seconds_parse(text, len, HOUR, &t) == 0)
		CHECK(t >= 0 && t <= HOUR);
	for (utf8 = 0; utf8 < 2; utf8++) {
		CHECK((printed = name_printable(text, utf8)) != NULL);
		for (p = printed; *p != '\0'; p++)
			CHECK(*p != 0x7f && (*p < 0 ? utf8 : *p >= ' '));
		free(printed);
	}
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *text = strndup((const char *)data, size < 252 ? size : 252);

	CHECK(text != NULL);
	segment_fuzz(text, strlen(text));
	others_fuzz(text, strlen(text));
	free(text);
	return 0;
}
