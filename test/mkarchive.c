/*
 * SPDX-License-Identifier: MIT
 *
 * Makes an archive of any size, the same one for the same options: a stream
 * that would be whole, and what happens to it. Each hour depends only on the
 * seeds, its quality and its time. Archives with another -o are those of
 * other nodes: the same segments, but other losses.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND       INT64_C(1000000)
#define HOUR         (3600 * SECOND)
#define MILLION      1000000
#define NAME_SIZE    (NAME_MAX + 1)
#define LENGTH(a)    (sizeof(a) / sizeof((a)[0]))
#define ONE_OF(a, r) (a)[(r) % LENGTH(a)]

enum type { FULL, SUSPECT, PARTIAL, TEMP };

static const char *channel = "desertbus", *first_hour = "2025-11-14T22";
static uint64_t seed = 1, node = 1;
static int64_t hours = 24, names = 1800, trouble = 10;

struct place { /* an hour that is being made */
	int64_t hour; /* since the epoch */
	uint64_t stream; /* seed of what all nodes have */
	uint64_t rng; /* for what only this node has */
	int fd;
	enum type type; /* of the segments that follow */
	int64_t from, to; /* a hole, us after the hour */
};

/* splitmix64 */
static uint64_t
random_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static int64_t
random_to(uint64_t *state, int64_t end)
{
	return end <= 0 ? 0 : (int64_t)(random_next(state) % (uint64_t)end);
}

static uint64_t
hash(uint64_t a, uint64_t b)
{
	a = random_next(&a) ^ b;
	return random_next(&a);
}

static int
directory_make(int at, const char *name)
{
	int fd;

	if (mkdirat(at, name, 0755) == -1 && errno != EEXIST)
		err(2, "%s", name);
	if ((fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		err(2, "%s", name);
	return fd;
}

static void
file_make(int at, const char *name, int64_t size)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd == -1 || (size > 0 && ftruncate(fd, size) == -1))
		err(2, "%s", name);
	close(fd);
}

static void
link_make(int at, const char *name, const char *target)
{
	if (symlinkat(target, at, name) == -1 && errno != EEXIST)
		err(2, "%s", name);
}

/*
 * Writes a name without its suffix: start is us after the hour; hashes come
 * from id.
 */
static void
stem_print(char buf[NAME_SIZE], int64_t start, int64_t duration, enum type type,
    uint64_t id)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	static const char *const types[] = {
	    "full", "suspect", "partial", "temp"};
	uint64_t high = random_next(&id), low = random_next(&id);
	int i, n;

	n = snprintf(buf, NAME_SIZE, "%02d:%02d.%06d-%d.%06d",
	    (int)(start / SECOND / 60), (int)(start / SECOND % 60),
	    (int)(start % SECOND), (int)(duration / SECOND),
	    (int)(duration % SECOND));
	/* as Python prints a float, which at times has more digits */
	if (high % 500 == 0)
		n += snprintf(buf + n, NAME_SIZE - (size_t)n, "000000001");
	else
		while (buf[n - 1] == '0' && buf[n - 2] != '.')
			n--;
	n += snprintf(buf + n, NAME_SIZE - (size_t)n, "-%s-", types[type]);
	if (type == TEMP) { /* a UUID */
		snprintf(buf + n, NAME_SIZE - (size_t)n,
		    "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)(high >> 32),
		    (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff),
		    (unsigned)(low >> 52),
		    (unsigned long long)low & 0xffffffffffff);
		return;
	}
	for (i = 0; i < 43; i++) { /* of a hash of 32 bytes */
		if (i % 10 == 0)
			high = random_next(&id);
		buf[n++] = digits[high % 64 & (i == 42 ? 60 : 63)];
		high /= 64;
	}
	buf[n] = '\0';
}

static void
suffix_add(char name[NAME_SIZE], const char *suffix)
{
	size_t len = strlen(name);

	snprintf(name + len, NAME_SIZE - len, "%s", suffix);
}

static void
segment_make(struct place *p, int64_t start, int64_t duration, enum type type,
    uint64_t id, int64_t size)
{
	char name[NAME_SIZE];

	if (start >= HOUR)
		return;
	stem_print(name, start, duration < HOUR ? duration : HOUR, type, id);
	suffix_add(name, ".ts");
	file_make(p->fd, name, size);
}

/*
 * A name that must pass neither for a segment nor for anything else.
 */
static void
bad_name_make(struct place *p)
{
	static const char *const bad[] = {"7:30-2.0-full-Hash", "zzz", "---",
	    "07:60-2.0-full-Hash", "+7:30-2.0-full-Hash", " 7:30-2.0-full-Hash",
	    "07:30.-2.0-full-Hash", "07:30.1234567-2.0-full-Hash", "\xff\xfe",
	    "\xd9\xa0\xd9\xa7:30-2.0-full-Hash", "07:30-inf-full-Hash",
	    "07:30-nan-full-Hash", "07:30-1e309-full-Hash", "a\nb",
	    "07:30-3600.000001-full-Hash", "07:30-+2.0-full-Hash",
	    "07:30-1_000-full-Hash", "07:30-0x2-full-Hash",
	    "07:30-1e99999999999999999999-full-Hash", "07:30-2.0-FULL-Hash",
	    "07:30-2.0-full-", "07:30-2.0-full-Hashe",
	    "07:30-2.0-full-Hash=", "07:30-2.0-full-\n\033[31mHash",
	    "07:30-2.0-temp", "07:30-2.0-suspect-\xe2\x80\xaeHash",
	    "<script>alert(1)<"};
	char name[NAME_SIZE];
	uint64_t r = random_next(&p->rng);

	if (r % 8 > 1) {
		snprintf(name, sizeof(name), "%s.ts", ONE_OF(bad, r / 8));
		file_make(p->fd, name, 0);
	} else if (r % 8 > 0) { /* as long as a name can be */
		memset(name, (int)('a' + r / 8 % 26), NAME_MAX - 3);
		snprintf(name + NAME_MAX - 3, 4, ".ts");
		file_make(p->fd, name, 0);
	} else { /* the name is good, but it is no file */
		stem_print(
		    name, (int64_t)(r / 64 % 3600) * SECOND, SECOND, FULL, r);
		suffix_add(name, ".ts");
		if (r / 8 % 4 == 0)
			close(directory_make(p->fd, name));
		else if (r / 8 % 4 == 1)
			mkfifoat(p->fd, name, 0644);
		else
			link_make(p->fd, name, r / 8 % 4 == 2 ? "gone" : ".");
	}
}

/*
 * What happens to a segment, or beside it. Returns whether it is still to be
 * made.
 */
static bool
event(struct place *p, int64_t start, int64_t duration, uint64_t id)
{
	static const char *const others[] = {".hidden.ts", "chat.json",
	    "07:30-2.0-full-Hash.ts.part", "notes", ".stfolder"};
	int64_t r =
	    random_to(&p->rng, INT64_C(10) * MILLION) / (trouble ? trouble : 1);
	int64_t at = random_to(&p->rng, duration), i;
	enum type type = (enum type)random_to(&p->rng, 3);
	char name[NAME_SIZE];

	if (trouble == 0)
		return true;
	if (r < 1000 || p->type != FULL) { /* incomplete ones, a few in turn */
		segment_make(
		    p, start, duration, r < 500 ? SUSPECT : PARTIAL, id, 0);
		p->type = r % 3 == 0 ? FULL : SUSPECT;
		return false;
	}
	if (r < 5000) /* rivals; the first is as it should be */
		for (i = 0; i < r % 4 + 1; i++)
			segment_make(p, start, duration - at * i / 4, type,
			    id + (uint64_t)i + 1, i * 1000);
	else if (r < 8000) { /* one that is hidden */
		stem_print(name, start, duration, type, ~id);
		suffix_add(name, ".tombstone");
		file_make(p->fd, name, 0);
		segment_make(p, start, duration, type, ~id, 0);
	} else if (r < 10000)
		segment_make(p, start, duration, TEMP, ~id, 0);
	else if (r < 11500) /* an overlap, in this one or out of it */
		segment_make(p, start + at + 1, duration / 2, type, ~id, 0);
	else if (r < 12500)
		bad_name_make(p);
	else if (r < 13000)
		file_make(p->fd, ONE_OF(others, (uint64_t)at), 0);
	return true;
}

/*
 * Where segment i of the hour starts; segment `names` is the next hour's.
 */
static int64_t
start_of(const struct place *p, int64_t i)
{
	int64_t step = HOUR / names;
	uint64_t at = (uint64_t)(p->hour * names + i);

	return (i == names ? HOUR : i * step) +
	    (int64_t)(hash(p->stream, at) % (uint64_t)(step / 4 + 1));
}

static void
stream_make(struct place *p)
{
	int64_t end, i, start;
	uint64_t id;

	for (i = 0; i < names; i++) {
		id = hash(~p->stream, (uint64_t)(p->hour * names + i));
		start = start_of(p, i);
		end = start_of(p, i + 1);
		if (start >= p->from && start < p->to)
			start = p->to;
		if (start < p->from && end > p->from)
			end = p->from;
		if (start < end && event(p, start, end - start, id))
			segment_make(p, start, end - start, FULL, id, 0);
	}
}

/*
 * Of 100 hours `trouble` have a hole, from a millisecond to an hour; few are
 * missing, empty, or have only bad names.
 */
static void
hour_make(int quality_fd, uint64_t quality, int64_t hour)
{
	struct place p = {.hour = hour, .from = 2 * HOUR, .to = 2 * HOUR};
	int64_t i, most = SECOND / 1000, r;
	time_t t = (time_t)(hour * 3600);
	char name[64];

	p.stream = hash(seed, quality);
	p.rng = hash(hash(node, quality), (uint64_t)hour);
	r = random_to(&p.rng, 1000);
	if (r < trouble / 2)
		return;
	strftime(name, sizeof(name), "%Y-%m-%dT%H", gmtime(&t));
	p.fd = directory_make(quality_fd, name);
	for (i = random_to(&p.rng, 7); i > 0; i--)
		most *= 10;
	if (random_to(&p.rng, 100) < trouble) {
		p.from = random_to(&p.rng, HOUR);
		p.to = p.from + 1 + random_to(&p.rng, most);
	}
	if (r >= 1000 - trouble / 2)
		for (i = 0; i < 20; i++)
			bad_name_make(&p);
	else
		stream_make(&p);
	close(p.fd);
}

/*
 * What lies beside the hours.
 */
static void
strays_make(int fd)
{
	static const char *const strays[] = {"2024-11-09T10.bak", "zzz",
	    "2025-02-29T00", "2025-11-15T24", "a\nb\033[31m"};
	size_t i;

	for (i = 0; i < LENGTH(strays); i++)
		if (hash(node, i) % 2 == 0)
			close(directory_make(fd, strays[i]));
	file_make(fd, "README", 0);
	file_make(fd, "2024-11-09T10", 0);
}

static void
quality_make(int channel_fd, const char *name)
{
	uint64_t quality = 0;
	struct tm tm = {.tm_mday = 1};
	const char *end = strptime(first_hour, "%Y-%m-%dT%H", &tm), *s;
	int64_t first, i;
	int fd = directory_make(channel_fd, name);

	if (end == NULL || *end != '\0')
		errx(2, "not an hour like 2025-11-14T22: %s", first_hour);
	first = timegm(&tm) / 3600;
	for (s = name; *s != '\0'; s++)
		quality = hash(quality, (unsigned char)*s);
	if (trouble > 0)
		strays_make(fd);
	for (i = 0; i < hours; i++)
		hour_make(fd, quality, first + i);
	close(fd);
}

static int64_t
number(const char *text, int64_t min, int64_t max)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || n < min || n > max)
		errx(2, "not a number from %lld to %lld: %s", (long long)min,
		    (long long)max, text);
	return n;
}

int
main(int argc, char *argv[])
{
	char source[] = "source", *qualities = source, *quality;
	int ch, fd;

	while ((ch = getopt(argc, argv, "c:q:f:h:n:s:o:t:")) != -1)
		if (ch == 'c')
			channel = optarg;
		else if (ch == 'q')
			qualities = optarg;
		else if (ch == 'f')
			first_hour = optarg;
		else if (ch == 'h')
			hours = number(optarg, 0, MILLION);
		else if (ch == 'n')
			names = number(optarg, 1, MILLION);
		else if (ch == 's')
			node = seed = (uint64_t)number(optarg, 0, INT64_MAX);
		else if (ch == 'o')
			node = (uint64_t)number(optarg, 0, INT64_MAX);
		else if (ch == 't')
			trouble = number(optarg, 0, 100);
		else
			optind = argc;
	if (optind != argc - 1) {
		fputs("usage: mkarchive [-c CHANNEL] [-q QUALITY,QUALITY]\n"
		      "  [-f FIRST_HOUR] [-h HOURS] [-n NAMES_AN_HOUR]\n"
		      "  [-s SEED] [-o NODE] [-t PERCENT_OF_HOURS_WITH_A_HOLE] "
		      "DIR\n",
		    stderr);
		return 2;
	}
	umask(022);
	fd = directory_make(directory_make(AT_FDCWD, argv[optind]), channel);
	while ((quality = strsep(&qualities, ",")) != NULL)
		quality_make(fd, quality);
	return 0;
}
