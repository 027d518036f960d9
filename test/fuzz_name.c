/*
 * Fuzzes what reads and what prints names and times: each against a slow
 * reading of the same grammar, or against the way back.
 */
#include "fuzz.h"

#define LONG_TIME (INT64_C(315360000) * SECOND) /* as options allow it */

static void
segment_fuzz(const char *text, size_t len)
{
	struct segment seg, slow = {0};
	char *name = malloc(len + 4);
	bool good;

	MUST(name != NULL);
	memcpy(name, text, len);
	memcpy(name + len, ".ts", 4);
	good = slow_parse(name, &slow);
	MUST((segment_parse(name, len + 3, &seg) == 0) == good);
	if (good) {
		MUST(seg.offset == slow.offset);
		MUST(seg.duration == slow.duration);
		MUST(seg.type == slow.type);
	}
	free(name);
}

static void
seconds_fuzz(const char *text, size_t len, int64_t max)
{
	int64_t us, slow = slow_seconds(text, max);

	MUST((seconds_parse(text, len, max, &us) == 0) == (slow >= 0));
	MUST(slow < 0 || us == slow);
}

static void
times_fuzz(const char *text)
{
	int64_t slow, t;
	bool date_only, slow_date_only;

	slow = slow_hour_parse(text);
	MUST((hour_parse(text, &t) == 0) == (slow != TIME_NONE));
	MUST(slow == TIME_NONE || t == slow);
	slow = slow_time(text, &slow_date_only);
	MUST((time_parse(text, &t, &date_only) == 0) == (slow != TIME_NONE));
	MUST(slow == TIME_NONE || (t == slow && date_only == slow_date_only));
}

/*
 * Prints the instant and the duration that the first eight bytes make.
 */
static void
formats_fuzz(const char *text, size_t len)
{
	char buf[TIME_SIZE], slow[TIME_SIZE];
	uint64_t size;
	int64_t t = 0;
	size_t i;

	memcpy(&t, text, len < sizeof(t) ? len : sizeof(t));
	size = t < 0 ? -(uint64_t)t : (uint64_t)t;
	(void)snprintf(slow, sizeof(slow), "%s%llu.%06llu", t < 0 ? "-" : "",
	    (unsigned long long)(size / SECOND),
	    (unsigned long long)(size % SECOND));
	for (i = strlen(slow); slow[i - 1] == '0';)
		slow[--i] = '\0';
	if (slow[i - 1] == '.')
		slow[i - 1] = '\0';
	seconds_format(buf, t);
	MUST(strcmp(buf, slow) == 0);
	t %= INT64_C(8000) * 366 * 24 * HOUR; /* the years 0 to 9999 */
	t = t < INT64_C(-1969) * 365 * 24 * HOUR ? -t : t;
	slow_time_format(slow, t);
	time_format(buf, t);
	MUST(strcmp(buf, slow) == 0);
	slow[strlen("2025-11-15T02")] = '\0';
	hour_format(buf, t);
	MUST(strcmp(buf, slow) == 0);
}

/*
 * What was made printable tells its bytes, and nothing that a terminal would
 * act on.
 */
static void
printable_fuzz(const char *text, bool utf8)
{
	static const char *const unseen[] = {"\xc2\x85", "\xc2\x9b", "\u200b",
	    "\u200e", "\u202e", "\u2066", "\ufeff", "\U000e0041"};
	char *printed = name_printable(text, utf8), hex[3] = "";
	const char *p;
	size_t i;

	MUST(printed != NULL && slow_utf8(printed));
	for (i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		MUST(strstr(printed, unseen[i]) == NULL);
	for (p = printed; *p != '\0'; p++, text++) {
		MUST(*p != 0x7f && (*p < 0 ? utf8 : *p >= ' '));
		if (*p != '\\') {
			MUST(*p == *text);
			continue;
		}
		if (*++p == '\\') {
			MUST(*text == '\\');
			continue;
		}
		MUST(*p == 'x');
		memcpy(hex, p + 1, 2);
		MUST(strtoul(hex, NULL, 16) == (unsigned char)*text);
		p += 2;
	}
	MUST(*text == '\0');
	free(printed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size < 252 ? size : 252);
	size_t len;

	MUST(text != NULL);
	len = strlen(text);
	segment_fuzz(text, len);
	seconds_fuzz(text, len, HOUR);
	seconds_fuzz(text, len, LONG_TIME);
	times_fuzz(text);
	formats_fuzz(text, len);
	printable_fuzz(text, false);
	printable_fuzz(text, true);
	free(text);
	return 0;
}

FUZZ_END
