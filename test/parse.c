/*
 * SPDX-License-Identifier: MIT
 *
 * Lets names-parse.t ask the functions of segparse.c. For each text on stdin,
 * of which a NUL is the end, prints a line: what the function that the
 * argument names makes of it, or "bad".
 */
#include <inttypes.h>
#include <locale.h>

/* NOLINTNEXTLINE(bugprone-suspicious-include): for what is static in it */
#include "../segparse.c"

/*
 * What reads a name or seconds gets no NUL behind it, so that a sanitizer
 * finds a byte too far. Returns false for what is bad.
 */
static bool
tell(const char *function, const char *s, size_t len)
{
	static const char *const types[] = {
	    "full", "suspect", "partial", "temp"};
	char *ascii, seconds[TIME_SIZE], text[TIME_SIZE], *utf8;
	struct segment seg = {0};
	const char *end = s + len, *slash = memchr(s, '/', len);
	bool date_only;
	int64_t max = HOUR, t;

	if (strcmp(function, "name") == 0) {
		if (segment_parse(s, len, &seg) != 0)
			return false;
		printf("%u %u %s\n", seg.offset, seg.duration, types[seg.type]);
	} else if (strcmp(function, "seconds") == 0) {
		/* the most that is allowed, and a slash, may stand before */
		if (slash != NULL) {
			max = strtoll(s, NULL, 10) * SECOND;
			s = slash + 1;
		}
		if (seconds_parse(s, (size_t)(end - s), max, &t) != 0)
			return false;
		printf("%" PRId64 "\n", t);
	} else if (strcmp(function, "hour") == 0) {
		/* and what is printed for the hour's last microsecond */
		if (hour_parse(s, &t) != 0)
			return false;
		hour_format(text, t + HOUR - 1);
		printf("%" PRId64 " %s\n", t, text);
	} else if (strcmp(function, "time") == 0) {
		if (time_parse(s, &t, &date_only) != 0)
			return false;
		printf("%" PRId64 "%s\n", t, date_only ? " date" : "");
	} else if (strcmp(function, "print") == 0) {
		/* microseconds as an instant, and as seconds */
		time_format(text, strtoll(s, NULL, 10));
		seconds_format(seconds, strtoll(s, NULL, 10));
		printf("%s %s\n", text, seconds);
	} else if (strcmp(function, "utf8") == 0) {
		while (s < end)
			printf("%ld ", utf8_next(&s));
		puts("");
	} else {
		utf8 = name_printable(s, true);
		ascii = name_printable(s, false);
		printf("%s\t%s\n", utf8, ascii);
		free(utf8);
		free(ascii);
	}
	return true;
}

int
main(int argc, char *argv[])
{
	char *copy, *line = NULL;
	size_t len, size = 0;

	if (argc != 2)
		return 2;
	setlocale(LC_CTYPE, "C.UTF-8");
	while (getdelim(&line, &size, '\0', stdin) > 0) {
		len = strlen(line) + (strchr("ns", *argv[1]) == NULL);
		copy = malloc(len);
		memcpy(copy, line, len);
		if (!tell(argv[1], copy, strlen(line)))
			puts("bad");
		free(copy);
	}
	free(line);
	return 0;
}
