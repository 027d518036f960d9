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

/* A text ends without a NUL, so that a sanitizer finds a byte too far. */

static int
name_tell(const char *s, size_t len)
{
	static const char *const types[] = {
	    "full", "suspect", "partial", "temp"};
	struct segment seg = {0};

	if (segment_parse(s, len, &seg) == 0)
		return printf(
		    "%u %u %s\n", seg.offset, seg.duration, types[seg.type]);
	return 0;
}

/* the most that is allowed, in seconds, and a slash may stand before */
static int
seconds_tell(const char *s, size_t len)
{
	const char *slash = memchr(s, '/', len);
	int64_t max = HOUR, us;

	if (slash != NULL) {
		max = strtoll(s, NULL, 10) * SECOND;
		len -= (size_t)(slash + 1 - s);
		s = slash + 1;
	}
	if (seconds_parse(s, len, max, &us) == 0)
		return printf("%" PRId64 "\n", us);
	return 0;
}

/* and what is printed for the hour's last microsecond */
static int
hour_tell(const char *s, size_t len)
{
	char text[TIME_SIZE];
	int64_t t;

	(void)len;
	if (hour_parse(s, &t) != 0)
		return 0;
	hour_format(text, t + HOUR - 1);
	return printf("%" PRId64 " %s\n", t, text);
}

static int
time_tell(const char *s, size_t len)
{
	int64_t t;
	bool date_only;

	(void)len;
	if (time_parse(s, &t, &date_only) == 0)
		return printf("%" PRId64 "%s\n", t, date_only ? " date" : "");
	return 0;
}

/* microseconds as an instant, and as seconds */
static int
print_tell(const char *s, size_t len)
{
	char seconds[TIME_SIZE], text[TIME_SIZE];

	(void)len;
	time_format(text, strtoll(s, NULL, 10));
	seconds_format(seconds, strtoll(s, NULL, 10));
	return printf("%s %s\n", text, seconds);
}

static int
utf8_tell(const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end)
		printf("%ld ", utf8_next(&s));
	return puts("");
}

static int
printable_tell(const char *s, size_t len)
{
	char *ascii = name_printable(s, false), *utf8 = name_printable(s, true);

	(void)len;
	len = (size_t)printf("%s\t%s\n", utf8, ascii);
	free(ascii);
	free(utf8);
	return (int)len;
}

int
main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		int (*tell)(const char *s, size_t len);
		size_t nul; /* whether it reads up to one */
	} functions[] = {{"name", name_tell, 0}, {"seconds", seconds_tell, 0},
	    {"hour", hour_tell, 1}, {"time", time_tell, 1},
	    {"print", print_tell, 1}, {"utf8", utf8_tell, 1},
	    {"printable", printable_tell, 1}};
	char *copy, *line = NULL;
	size_t i = 0, len, size = 0;

	setlocale(LC_CTYPE, "C.UTF-8");
	while (i < LENGTH(functions) &&
	    (argc != 2 || strcmp(functions[i].name, argv[1]) != 0))
		i++;
	if (i == LENGTH(functions))
		return 2;
	while (getdelim(&line, &size, '\0', stdin) > 0) {
		len = strlen(line);
		copy = malloc(len + functions[i].nul);
		memcpy(copy, line, len + functions[i].nul);
		if (functions[i].tell(copy, len) == 0)
			puts("bad");
		free(copy);
	}
	free(line);
	return 0;
}
