/*
 * SPDX-License-Identifier: MIT
 *
 * Fuzzes the readers of names and times. There is no second parser here, but
 * laws: what was read and is printed again reads the same, and zeros in front
 * change nothing.
 */
#include <assert.h>
#include <math.h>

/* NOLINTNEXTLINE(bugprone-suspicious-include): for what is static in it */
#include "../segparse.c"

#define MUST(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
segment_laws(const char *name, size_t len)
{
	static const char *const types[] = {
	    "full", "suspect", "partial", "temp"};
	char text[512];
	struct segment other, seg;

	if (segment_parse(name, len, &seg) != 0)
		return;
	assert(seg.offset < HOUR && seg.duration <= DURATION_MAX);
	snprintf(text, sizeof(text), "%02u:%02u.%06u-%u.%06u-%s-AA.ts",
	    seg.offset / 60000000, seg.offset / 1000000 % 60,
	    seg.offset % 1000000, seg.duration / 1000000,
	    seg.duration % 1000000, types[seg.type]);
	MUST(segment_parse(text, strlen(text), &other) == 0);
	assert(seg.offset == other.offset && seg.duration == other.duration &&
	    seg.type == other.type);
}

static void
seconds_laws(const char *s, size_t len, int64_t max)
{
	char text[512];
	double fraction, whole;
	int64_t padded, us;

	if (seconds_parse(s, len, max, &us) != 0)
		return;
	snprintf(text, sizeof(text), "000%.*s", (int)len, s);
	assert(us >= 0 && us <= max);
	assert(strspn(text, "0123456789.eE+") == len + 3);
	MUST(seconds_parse(text, len + 3, max, &padded) == 0);
	fraction = modf(strtod(text, NULL), &whole);
	assert(padded == us);
	assert(us == (int64_t)whole * SECOND + llrint(fraction * 1e6));
}

static void
time_laws(const char *s)
{
	char text[TIME_SIZE];
	int64_t again, t;
	bool date_only;

	if (hour_parse(s, &t) == 0) {
		hour_format(text, t);
		assert(strcmp(text, s) == 0 && t % HOUR == 0);
		MUST(time_parse(s, &again, &date_only) == 0);
		assert(again == t && !date_only);
	}
	if (time_parse(s, &t, &date_only) != 0)
		return;
	assert(!date_only || (t % DAY == 0 && strlen(s) == 10));
	time_format(text, t);
	/* a zone can lead out of the years that are read */
	if (strlen(text) != 27 || strncmp(text, "0000", 4) == 0)
		return;
	MUST(time_parse(text, &again, &date_only) == 0);
	assert(again == t && !date_only);
}

static void
printable_laws(const char *s)
{
	char *text = name_printable(s, false);
	const char *p;

	for (p = text; *p != '\0'; p++)
		assert(*p >= ' ' && *p <= '~');
	free(text);
	text = name_printable(s, true);
	for (p = text; *p != '\0';)
		MUST(utf8_next(&p) >= ' ');
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size < 252 ? size : 252);
	size_t len = strlen(text);
	char *name = malloc(len + 3);

	/* no NUL: the sanitizer finds what reads on */
	mempcpy(mempcpy(name, text, len), ".ts", 3);
	seconds_laws(name, len, HOUR);
	seconds_laws(name, len, 3650 * DAY);
	segment_laws(name, len + 3);
	time_laws(text);
	printable_laws(text);
	free(name);
	free(text);
	return 0;
}
