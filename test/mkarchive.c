/*
 * Makes an archive of any size, the same one for the same seed: with
 * everything in it that happens in one, or in a shape that is hard on those
 * who read it. Each hour depends on nothing but the seed, its quality and its
 * time, so that a longer archive begins with a shorter one.
 */
#include <sys/stat.h>
#include <sys/types.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND           INT64_C(1000000)
#define HOUR             (3600 * SECOND)
#define NAME_SIZE        (NAME_MAX + 1)
#define HOLE_MIN         (SECOND / 1000)
#define ONE_OF(table, r) (table)[(r) % (sizeof(table) / sizeof(*(table)))]
#define TOLERANCE        (SECOND / 100) /* the program's default */

enum type { FULL, SUSPECT, PARTIAL, TEMP };

struct options {
	const char *channel;
	char *qualities;
	const char *shape;
	uint64_t seed;
	int64_t first; /* us since the epoch */
	int64_t hours;
	int64_t names; /* of an hour, or of the whole shape */
	unsigned trouble; /* of 100 hours so many have a hole */
};

struct place { /* an hour that is being made */
	const struct options *o;
	int64_t time; /* us since the epoch */
	int fd;
	uint64_t rng;
};

static const char *type_names[] = {"full", "suspect", "partial", "temp"};

/* splitmix64 */
static uint64_t
random_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* from low up to, but not, high */
static int64_t
random_between(uint64_t *state, int64_t low, int64_t high)
{
	if (high <= low)
		return low;
	return low + (int64_t)(random_next(state) % (uint64_t)(high - low));
}

/* true n times in a million */
static bool
chance(struct place *p, unsigned n)
{
	return random_next(&p->rng) % 1000000 < n;
}

/* true n times in a million where a tenth of the hours have a hole */
static bool
trouble(struct place *p, unsigned n)
{
	return random_next(&p->rng) % 10000000 < (uint64_t)n * p->o->trouble;
}

static uint64_t
seed_of(const struct options *o, const char *quality, int64_t time)
{
	uint64_t seed = o->seed;

	seed = random_next(&seed) ^ (uint64_t)(time / HOUR);
	for (; *quality != '\0'; quality++)
		seed = random_next(&seed) ^ (unsigned char)*quality;
	return random_next(&seed);
}

static void
hour_name(char *buf, size_t size, int64_t time)
{
	time_t t = (time_t)(time / SECOND);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(buf, size, "%Y-%m-%dT%H", &tm) == 0)
		errx(2, "an hour that has no name");
}

static int
dir_make(int at, const char *name)
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

	if (fd == -1 || (size > 0 && ftruncate(fd, size) == -1) ||
	    close(fd) == -1)
		err(2, "%s", name);
}

static void
link_make(int at, const char *name, const char *target)
{
	if (symlinkat(target, at, name) == -1 && errno != EEXIST)
		err(2, "%s", name);
}

/* 32 bytes in base64url: of the last digit only two bits are zero */
static void
hash_print(struct place *p, char hash[44])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint64_t bits = 0;
	int i;

	for (i = 0; i < 43; i++) {
		if (i % 10 == 0)
			bits = random_next(&p->rng);
		hash[i] = digits[bits % 64 & (i == 42 ? 60 : 63)];
		bits /= 64;
	}
	hash[43] = '\0';
}

/* as str() of a Python float: 2.0, 2.002, at times 5.005000000000001 */
static int
duration_print(struct place *p, char *buf, size_t size, int64_t duration)
{
	int n = snprintf(buf, size, "%lld.%06lld",
	    (long long)(duration / SECOND), (long long)(duration % SECOND));

	if (chance(p, 2000))
		return n + snprintf(buf + n, size - (size_t)n, "000000001");
	while (buf[n - 1] == '0' && buf[n - 2] != '.')
		buf[--n] = '\0';
	if (trouble(p, 500) && duration % SECOND == 0)
		n = snprintf(buf, size, "%llde0", (long long)duration / SECOND);
	return n;
}

/* the name up to its suffix; start is counted from the hour's */
static size_t
stem_print(struct place *p, char buf[NAME_SIZE], int64_t start,
    int64_t duration, enum type type)
{
	char text[64], hash[44];
	uint64_t high, low;
	int n;

	duration_print(p, text, sizeof(text), duration);
	hash_print(p, hash);
	n = snprintf(buf, NAME_SIZE, "%02d:%02d", (int)(start / SECOND / 60),
	    (int)(start / SECOND % 60));
	if (start % SECOND != 0 || !trouble(p, 50000))
		n += snprintf(buf + n, 8, ".%06d", (int)(start % SECOND));
	if (type == TEMP) { /* a UUID */
		high = random_next(&p->rng);
		low = random_next(&p->rng);
		snprintf(hash, sizeof(hash), "%08x-%04x-4%03x-a%03x-%012llx",
		    (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xffff),
		    (unsigned)(high & 0xfff), (unsigned)(low >> 52),
		    (unsigned long long)low & 0xffffffffffff);
	}
	n += snprintf(buf + n, NAME_SIZE - (size_t)n, "-%s-%s-%s", text,
	    type_names[type], hash);
	return (size_t)n;
}

static void
name_print(struct place *p, char buf[NAME_SIZE], int64_t start,
    int64_t duration, enum type type, const char *suffix)
{
	size_t n = stem_print(p, buf, start, duration, type);

	snprintf(buf + n, NAME_SIZE - n, "%s", suffix);
}

static void
segment_make(struct place *p, int64_t start, int64_t duration, enum type type,
    int64_t size)
{
	char name[NAME_SIZE];

	name_print(p, name, start, duration, type, ".ts");
	if (trouble(p, 200))
		link_make(p->fd, name, "../target");
	else
		file_make(p->fd, name, size);
}

static void
tombstone_make(struct place *p, int64_t start, int64_t duration, enum type type,
    bool orphan)
{
	char name[NAME_SIZE];
	size_t n = stem_print(p, name, start, duration, type);

	snprintf(name + n, sizeof(name) - n, ".tombstone");
	file_make(p->fd, name, 0);
	snprintf(name + n, sizeof(name) - n, ".ts");
	if (!orphan)
		file_make(p->fd, name, 0);
}

/* a name that must not pass for a segment, or for anything else */
static void
bad_name_make(struct place *p)
{
	static const char *const starts[] = {"7:30", "07:60", "60:00", "+7:30",
	    " 7:30", "07:30.", "07:30.1234567", "\xd9\xa0\xd9\xa7:30", "",
	    "07:30:00", "07:30.-5"};
	static const char *const durations[] = {"inf", "nan", "1e309", "1e12",
	    "3600.000001", "-2.0", "+2.0", "0x2", "2,0", "", ".", "1_000",
	    "2.0 ", "1e", "1e-3", "1e99999999999999999999"};
	static const char *const tails[] = {"full", "FULL-Hash", "ful-Hash",
	    "full-", "full-Hashe", "full-Ha~sh", "full-\xff\xfe",
	    "full-\n\033[31mHash", "full-Hash=", "suspect-\xe2\x80\xaeHash",
	    "partial-Ha sh", "temp"};
	static const char *const others[] = {"zzz.ts", "\xff\xfe.ts", "-.ts",
	    "---.ts", "a\nb.ts", "<script>alert(1)<.ts", "\"quoted\".ts"};
	char name[NAME_SIZE];
	const char *start = "07:30", *duration = "2.0", *tail = "full-Hash";
	uint64_t r = random_next(&p->rng);

	switch (r % 8) {
	case 0:
		start = ONE_OF(starts, r / 8);
		break;
	case 1:
	case 2:
		duration = ONE_OF(durations, r / 8);
		break;
	case 3:
	case 4:
		tail = ONE_OF(tails, r / 8);
		break;
	case 5:
		file_make(p->fd, ONE_OF(others, r / 8), 0);
		return;
	case 6: /* as long as a name can be */
		memset(name, (int)('a' + r / 8 % 26), NAME_MAX - 3);
		snprintf(name + NAME_MAX - 3, 4, ".ts");
		file_make(p->fd, name, 0);
		return;
	default: /* the name is good, but it is no file */
		name_print(p, name, (int64_t)(r / 64 % 3600) * SECOND,
		    2 * SECOND, FULL, ".ts");
		if (r / 8 % 4 == 0)
			close(dir_make(p->fd, name));
		else if (r / 8 % 4 == 1)
			mkfifoat(p->fd, name, 0644);
		else
			link_make(p->fd, name, r / 8 % 4 == 2 ? "gone" : ".");
		return;
	}
	snprintf(name, sizeof(name), "%s-%s-%s.ts", start, duration, tail);
	file_make(p->fd, name, 0);
}

/* a name that is no concern of anybody's */
static void
other_name_make(struct place *p)
{
	static const char *const names[] = {".hidden.ts", ".ts",
	    ".07:30-2.0-full-Hash.ts", "chat.json", "07:30.000000-chat.json",
	    "07:30-2.0-full-Hash.ts.part", "notes", ".stfolder"};

	file_make(p->fd, ONE_OF(names, random_next(&p->rng)), 0);
}

/* several segments at one start; mostly the first is as it should be */
static void
rivals_make(struct place *p, int64_t start, int64_t duration)
{
	int64_t n = random_between(&p->rng, 2, 6), i, length = duration, size;
	enum type type = FULL;
	bool wild = chance(p, 20000);

	for (i = 0; i < n; i++) {
		if (wild || (i > 0 && chance(p, 500000)))
			type = (enum type)random_between(&p->rng, 0, 3);
		size = random_between(&p->rng, 0, 4) * 100000;
		segment_make(p, start, length, type, size);
		if (chance(p, 700000))
			length = random_between(&p->rng, 0, duration + 1);
	}
}

/* one more segment, inside this one or out of it */
static void
overlap_make(struct place *p, int64_t start, int64_t duration)
{
	int64_t at = start + random_between(&p->rng, 1, duration + 1);
	int64_t most = duration, length;

	if (at >= HOUR)
		return;
	if (chance(p, 500000))
		most = start + duration - at;
	length = random_between(&p->rng, 0, most + 1);
	segment_make(
	    p, at, length, (enum type)random_between(&p->rng, 0, 3), 0);
}

/* what happens beside the stream itself */
static void
aside_make(struct place *p, int64_t start, int64_t duration)
{
	if (trouble(p, 3000))
		tombstone_make(p, start, duration, FULL, chance(p, 200000));
	if (trouble(p, 2000))
		segment_make(p, start, duration, TEMP, 0);
	if (trouble(p, 1000))
		bad_name_make(p);
	if (trouble(p, 500))
		other_name_make(p);
	if (trouble(p, 1500))
		overlap_make(p, start, duration);
}

/* where the first segment of an hour starts, and the last one before ends */
static int64_t
phase_of(
    const struct options *o, const char *quality, int64_t time, int64_t step)
{
	uint64_t rng = seed_of(o, quality, time) ^ 0x5eed;

	return random_between(&rng, 0, step);
}

static int64_t
hole_length(struct place *p)
{
	static const int64_t limits[] = {HOLE_MIN, TOLERANCE, SECOND,
	    10 * SECOND, 60 * SECOND, 600 * SECOND, HOUR};
	int64_t i = random_between(&p->rng, 0, 8);

	if (i == 6)
		return TOLERANCE;
	if (i == 7)
		return TOLERANCE + 1;
	return random_between(&p->rng, limits[i], limits[i + 1]);
}

/* how long the segment lasts that fills the time to the one that follows */
static int64_t
duration_of(struct place *p, int64_t room)
{
	int64_t duration = room;

	if (room > SECOND / 10)
		duration += random_between(&p->rng, -3000, 3001);
	if (trouble(p, 2000))
		duration += random_between(&p->rng, 0, room);
	return duration < HOUR ? duration : HOUR;
}

/* an hour of the stream, from its phase to that of the hour that follows */
static void
stream_make(struct place *p, const char *quality)
{
	int64_t step = HOUR / p->o->names, start, end, duration, last;
	int64_t hole = -1, length = 0;
	enum type type = FULL;

	start = phase_of(p->o, quality, p->time, step);
	last = HOUR + phase_of(p->o, quality, p->time + HOUR, step);
	if (trouble(p, 100000)) {
		length = hole_length(p);
		hole = random_between(&p->rng, start, last);
	}
	for (; start < HOUR; start = end) {
		end = start + step;
		if (step > SECOND / 10)
			end += random_between(&p->rng, -4000, 4001);
		if (end >= HOUR || last - end < step / 2)
			end = last;
		if (start <= hole && hole < end)
			end = hole;
		duration = end - start;
		if (end != hole && end != last)
			duration = duration_of(p, duration);
		if (type != FULL && chance(p, 400000))
			type = FULL;
		else if (trouble(p, 300))
			type = chance(p, 500000) ? SUSPECT : PARTIAL;
		if (trouble(p, 4000))
			rivals_make(p, start, duration);
		else if (duration > 0)
			segment_make(p, start, duration, type, 0);
		aside_make(p, start, duration);
		if (end != hole)
			continue;
		if (hole < HOUR && chance(p, 300000))
			tombstone_make(p, hole, length, FULL, false);
		end += length;
		hole = -1;
	}
}

static struct place
place_open(
    const struct options *o, int quality_fd, const char *quality, int64_t time)
{
	struct place p = {o, time, -1, seed_of(o, quality, time)};
	char name[64];

	hour_name(name, sizeof(name), time);
	p.fd = dir_make(quality_fd, name);
	return p;
}

static void
hour_make(
    const struct options *o, int quality_fd, const char *quality, int64_t time)
{
	struct place p = {o, time, -1, ~seed_of(o, quality, time)};
	bool absent = trouble(&p, 5000), empty = trouble(&p, 5000);
	bool rubbish = trouble(&p, 5000);
	int i;

	if (absent)
		return;
	p = place_open(o, quality_fd, quality, time);
	for (i = 0; rubbish && i < 20; i++) {
		bad_name_make(&p);
		other_name_make(&p);
	}
	if (!empty && !rubbish)
		stream_make(&p, quality);
	close(p.fd);
}

/* what lies beside the hours of a quality */
static void
strays_make(const struct options *o, int quality_fd, const char *quality)
{
	static const char *const dirs[] = {"2024-11-09T10.bak", ".stfolder",
	    "2025-02-29T00", "2025-11-15T24", "zzz", "a\nb\033[31m"};
	char name[64];
	size_t i;
	uint64_t rng = seed_of(o, quality, 0);

	if (o->trouble == 0)
		return;
	file_make(quality_fd, "README", 0);
	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (random_next(&rng) % 4 == 0)
			close(dir_make(quality_fd, dirs[i]));
	hour_name(name, sizeof(name), o->first - 100 * HOUR);
	file_make(quality_fd, name, 0);
	file_make(quality_fd, "target", 0);
	hour_name(name, sizeof(name), o->first - 101 * HOUR);
	link_make(quality_fd, name, "gone");
}

static void
quality_make(const struct options *o, int channel_fd, const char *quality)
{
	int fd = dir_make(channel_fd, quality);
	int64_t i;

	strays_make(o, fd, quality);
	for (i = 0; i < o->hours; i++)
		hour_make(o, fd, quality, o->first + i * HOUR);
	close(fd);
}

/* names of one hour, spread evenly */
static void
shape_hour(const struct options *o, int fd)
{
	struct place p = place_open(o, fd, "shape", o->first);
	int64_t i;

	for (i = 0; i < o->names; i++)
		segment_make(&p, i * HOUR / o->names, HOUR / o->names, FULL, 0);
	close(p.fd);
}

static void
shape_tombstones(const struct options *o, int fd)
{
	struct place p = place_open(o, fd, "shape", o->first);
	int64_t i;

	for (i = 0; i < o->names; i++)
		tombstone_make(
		    &p, i * HOUR / o->names, HOUR / o->names, FULL, false);
	close(p.fd);
}

static void
shape_start(const struct options *o, int fd, enum type type)
{
	struct place p = place_open(o, fd, "shape", o->first);
	int64_t i;

	for (i = 0; i < o->names; i++)
		segment_make(&p, HOUR / 2,
		    random_between(&p.rng, SECOND, 4 * SECOND), type, i % 100);
	close(p.fd);
}

/* a thousand holes in each hour, of twice the tolerance and more */
static void
shape_holes(const struct options *o, int fd)
{
	struct place p = {.fd = -1};
	int64_t i;

	for (i = 0; i < o->names; i++) {
		if (i % 1000 == 0) {
			if (p.fd != -1)
				close(p.fd);
			p = place_open(
			    o, fd, "shape", o->first + i / 1000 * HOUR);
		}
		segment_make(&p, i % 1000 * (HOUR / 1000),
		    HOUR / 1000 - random_between(&p.rng, 2 * TOLERANCE, SECOND),
		    FULL, 0);
	}
	close(p.fd);
}

static void
shape_bad(const struct options *o, int fd)
{
	struct place p = place_open(o, fd, "shape", o->first);
	char name[NAME_SIZE];
	int64_t i;

	for (i = 0; i < o->names; i++) {
		name_print(&p, name, i * HOUR / o->names, SECOND, FULL, "=.ts");
		file_make(p.fd, name, 0);
	}
	close(p.fd);
}

/* SHAPE as it is named on the command line; its size is o->names */
static void
shape_make(struct options *o, int channel_fd)
{
	int64_t size = o->names, i;
	char name[64];
	int fd;

	o->trouble = 0;
	if (strcmp(o->shape, "qualities") == 0) {
		o->names = 60;
		for (i = 0; i < size; i++) {
			snprintf(name, sizeof(name), "q%03d", (int)i);
			quality_make(o, channel_fd, name);
		}
		return;
	}
	fd = dir_make(channel_fd, o->qualities);
	if (strcmp(o->shape, "hour") == 0)
		shape_hour(o, fd);
	else if (strcmp(o->shape, "tombstones") == 0)
		shape_tombstones(o, fd);
	else if (strcmp(o->shape, "start") == 0)
		shape_start(o, fd, FULL);
	else if (strcmp(o->shape, "sizes") == 0)
		shape_start(o, fd, PARTIAL);
	else if (strcmp(o->shape, "holes") == 0)
		shape_holes(o, fd);
	else if (strcmp(o->shape, "bad") == 0)
		shape_bad(o, fd);
	else if (strcmp(o->shape, "hours") == 0) {
		o->hours = size;
		o->names = 10;
		quality_make(o, channel_fd, o->qualities);
	} else
		errx(2, "no such shape: %s", o->shape);
	close(fd);
}

static int64_t
number(const char *text, int64_t min, int64_t max)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < min || n > max)
		errx(2, "not a number from %lld to %lld: %s", (long long)min,
		    (long long)max, text);
	return n;
}

static int64_t
hour_of(const char *text)
{
	struct tm tm = {.tm_mday = 1};
	const char *end = strptime(text, "%Y-%m-%dT%H", &tm);

	if (end == NULL || *end != '\0')
		errx(2, "not an hour as 2025-11-14T22: %s", text);
	return timegm(&tm) * SECOND;
}

static void
usage(void)
{
	fputs("usage: mkarchive [option ...] DIR\n"
	      "  -c CHANNEL          desertbus\n"
	      "  -q QUALITY,QUALITY  source\n"
	      "  -f HOUR             the first one, 2025-11-14T22\n"
	      "  -h HOURS            24\n"
	      "  -n NAMES            of an hour, 1800; with -S of the shape\n"
	      "  -s SEED             1\n"
	      "  -t PERCENT          hours with a hole, and so on, 10\n"
	      "  -x                  no trouble at all: -t 0\n"
	      "  -S, --shape SHAPE   hour, tombstones, start, sizes, holes,\n"
	      "                      bad, hours or qualities\n",
	    stderr);
	exit(2);
}

int
main(int argc, char *argv[])
{
	static const struct option longs[] = {
	    {"shape", required_argument, NULL, 'S'}, {0}};
	struct options o = {.channel = "desertbus",
	    .hours = 24,
	    .names = 1800,
	    .seed = 1,
	    .trouble = 10};
	char *quality, *rest;
	int ch, fd;

	o.first = hour_of("2025-11-14T22");
	if ((o.qualities = strdup("source")) == NULL)
		err(2, NULL);
	while ((ch = getopt_long(
		    argc, argv, "c:q:f:h:n:s:t:xS:", longs, NULL)) != -1) {
		switch (ch) {
		case 'c':
			o.channel = optarg;
			break;
		case 'q':
			free(o.qualities);
			if ((o.qualities = strdup(optarg)) == NULL)
				err(2, NULL);
			break;
		case 'f':
			o.first = hour_of(optarg);
			break;
		case 'h':
			o.hours = number(optarg, 0, 1000000);
			break;
		case 'n':
			o.names = number(optarg, 1, 100000000);
			break;
		case 's':
			o.seed = (uint64_t)number(optarg, 0, INT64_MAX);
			break;
		case 't':
			o.trouble = (unsigned)number(optarg, 0, 100);
			break;
		case 'x':
			o.trouble = 0;
			break;
		case 'S':
			o.shape = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc - 1)
		usage();
	umask(022);
	fd = dir_make(dir_make(AT_FDCWD, argv[optind]), o.channel);
	if (o.shape != NULL)
		shape_make(&o, fd);
	else
		for (rest = o.qualities;
		     (quality = strsep(&rest, ",")) != NULL;)
			quality_make(&o, fd, quality);
	free(o.qualities);
	return 0;
}
