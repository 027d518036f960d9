/*
 * Fuzzes whole qualities, from the names in their directories to the reports,
 * the map and the page. The input is an archive, a line for each name; calls
 * that read directories are answered from it. What comes out is compared
 * with a slow model, for the names in two orders, and obeys the laws of
 * holes and coverage.
 *
 * The first line: four letters (see options_read), then the channel's name.
 * `H2025-11-15T02` begins an hour (see hour_kinds), `r3NAME` is a file in it
 * (see kinds) of size 3; after `s` each four bytes are a segment. The
 * byte 0x1f stands for a newline.
 */
#include <sys/stat.h>

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* what the program says on stderr is looked at, too */
static FILE *saying;
#undef stderr
#define stderr saying
int coverage_main(int, char *[]);
#define main coverage_main
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "../coverage.c"
#undef main
#undef stderr

#include "fuzz.h"

#ifndef __clang_analyzer__ /* it is the program that lint is to look at */
#define STB_IMAGE_IMPLEMENTATION
#endif
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <stb_image.h>
#pragma GCC diagnostic pop

#define FILES_MAX   400
#define HOURS_MAX   12
#define FD_FIRST    1000000 /* of the hours' directories */
#define MAP_CHECKED 3 /* hours; a wider map takes too long */
#define LONG_AGO    1000000000
#define NAME(name)  "segment_coverage_" name /* of a metric */
#define NOW         INT64_C(1763251200000000) /* 2025-11-16T00 */

/* of the harness: where it takes longer than what it looks at */
#define PLAIN __attribute__((no_sanitize("address", "undefined")))

static const char hour_kinds[] = "HhxXgGFf";

static const struct kind { /* of file */
	int letter;
	mode_t mode; /* of the file, or what a link leads to */
	int error; /* that stat of it ends in */
	unsigned char type; /* as listed */
	bool gone; /* so does lstat */
	bool regular; /* taken for a regular file, or a link to one */
} kinds[] = {
    {'r', S_IFREG, 0, DT_REG, false, true},
    {'l', S_IFREG, 0, DT_LNK, false, true},
    {'u', S_IFREG, 0, DT_UNKNOWN, false, true},
    {'D', S_IFDIR, 0, DT_DIR, false, false},
    {'k', S_IFDIR, 0, DT_LNK, false, false},
    {'U', S_IFDIR, 0, DT_UNKNOWN, false, false},
    {'p', S_IFIFO, 0, DT_FIFO, false, false},
    /* gone when its size is asked for, or its type */
    {'R', S_IFREG, ENOENT, DT_REG, true, true},
    {'v', S_IFREG, ENOENT, DT_UNKNOWN, true, true},
    /* dangling, and leading to itself */
    {'d', S_IFREG, ENOENT, DT_LNK, false, false},
    {'w', S_IFREG, ENOENT, DT_UNKNOWN, false, false},
    {'o', S_IFREG, ELOOP, DT_LNK, false, false},
    /* trouble when its size is asked for, or its type */
    {'E', S_IFREG, EIO, DT_REG, false, true},
    {'e', S_IFREG, EIO, DT_LNK, false, false},
};

struct file {
	char name[256];
	const struct kind *kind;
	off_t size;
};

struct place { /* an hour's directory */
	struct file *files;
	size_t filesz;
	size_t at; /* where its listing is */
	char kind; /* H: directory; h: link to one; x: fails in the listing;
		      X: fails to open; g: gone by then; G: dangling link;
		      F: a file; f: a file, listed without its type */
	bool again; /* it is listed for the second time */
	char name[256];
};

static struct file files[FILES_MAX + 1];
static struct place places[HOURS_MAX];
static size_t filesz, placesz;
static bool changing; /* directories do while they are listed */
static bool interrupted; /* the last call was */

/* a segment, as the model sees it */
struct piece {
	const struct file *file;
	int64_t start;
	int64_t end;
	enum segment_type type;
	bool best;
};

struct slow_hour {
	struct place *place;
	int64_t time;
	struct piece pieces[FILES_MAX];
	size_t piecesz;
	const struct file *bad[FILES_MAX];
	size_t badsz;
	struct counts counts;
	bool unread;
	bool failed; /* a stat did */
	bool any;
	int64_t start, end;
	int64_t raw, editable; /* covered */
};

struct spans {
	struct span s[FILES_MAX + HOURS_MAX];
	size_t n;
};

struct slow {
	struct slow_hour hours[HOURS_MAX + 2];
	size_t hoursz;
	size_t first, last; /* of the window: [first, last) */
	struct span window, stream;
	int64_t tolerance;
	int64_t raw_end, editable_end, present;
	int64_t began; /* the first raw hole, before it was cut */
	struct spans raw, editable, incomplete, exact, missing;
	struct span joined;
	bool complete;
};

static struct slow slow;

static struct paper {
	char text[8 << 20];
	size_t size;
} document, sheet, said;

/*
 * The kernel
 */

static struct place *
place_of(int fd)
{
	MUST(fd >= FD_FIRST && (size_t)(fd - FD_FIRST) < placesz);
	return &places[fd - FD_FIRST];
}

/*
 * Where directories change, every other call is interrupted.
 */
static bool
is_interrupted(void)
{
	interrupted = changing && !interrupted;
	errno = EINTR;
	return interrupted;
}

int
fake_open(const char *path, int flags, ...)
{
	size_t i;

	MUST((flags & O_ACCMODE) == O_RDONLY && (flags & O_DIRECTORY) != 0);
	MUST(strncmp(path, "fake/", 5) == 0);
	if (is_interrupted())
		return -1;
	for (i = 0; i < placesz; i++) {
		if (strcmp(places[i].name, path + 5) != 0)
			continue;
		places[i].at = 0;
		places[i].again = false;
		if (strchr("Hhx", places[i].kind) != NULL)
			return (int)i + FD_FIRST;
		errno = places[i].kind == 'X'              ? EACCES
		    : strchr("Ff", places[i].kind) != NULL ? ENOTDIR
							   : ENOENT;
		return -1;
	}
	must_fail("the directory is there", __FILE__, __LINE__);
}

int
fake_close(int fd)
{
	(void)place_of(fd);
	return 0;
}

int
fake_fstat(int fd, struct stat *st)
{
	const struct place *place = place_of(fd);

	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFDIR | 0755;
	st->st_mtim.tv_sec = LONG_AGO + (changing && place->at > 0);
	return 0;
}

off_t
fake_lseek(int fd, off_t offset, int whence)
{
	struct place *place = place_of(fd);

	MUST(offset == 0 && whence == SEEK_SET && changing);
	place->at = 0;
	place->again = true;
	return 0;
}

/*
 * A few records at a time, so that there are several calls. A directory that
 * changes does not show every name in both of its listings.
 */
ssize_t
fake_getdents64(int fd, void *buf, size_t size)
{
	struct place *place = place_of(fd);
	struct dirent64 *d;
	size_t filled = 0, i, len;

	if (is_interrupted())
		return -1;
	for (; place->at < place->filesz && filled < 1024; place->at++) {
		i = place->at;
		if (changing && i % 3 == (place->again ? 0 : 1))
			continue;
		len = offsetof(struct dirent64, d_name) +
		    strlen(place->files[i].name) + 1;
		len = (len + 7) / 8 * 8;
		if (filled + len > size)
			break;
		d = (void *)((char *)buf + filled);
		memset(d, 0, len);
		d->d_reclen = (unsigned short)len;
		d->d_type = place->files[i].kind->type;
		memcpy(d->d_name, place->files[i].name,
		    strlen(place->files[i].name));
		filled += len;
	}
	if (filled > 0 || place->kind != 'x')
		return (ssize_t)filled;
	errno = EIO;
	return -1;
}

int
fake_fstatat(int fd, const char *name, struct stat *st, int flags)
{
	const struct place *place = place_of(fd);
	const struct kind *kind;
	size_t i;

	for (i = 0; strcmp(place->files[i].name, name) != 0; i++)
		MUST(i + 1 < place->filesz);
	kind = place->files[i].kind;
	memset(st, 0, sizeof(*st));
	errno = kind->error;
	if (kind->gone ||
	    (kind->error != 0 && (flags & AT_SYMLINK_NOFOLLOW) == 0))
		return -1;
	st->st_mode = kind->mode | 0644;
	st->st_size = place->files[i].size;
	return 0;
}

int
fake_scandir(const char *dir, struct dirent ***list,
    int (*filter)(const struct dirent *),
    int (*compare)(const struct dirent **, const struct dirent **))
{
	const struct place *place;
	struct dirent **entries;
	size_t i;

	(void)filter;
	(void)compare;
	MUST(strcmp(dir, "fake") == 0);
	if (is_interrupted())
		return -1;
	MUST((entries = calloc(placesz + 1, sizeof(void *))) != NULL);
	for (i = 0; i <= placesz; i++)
		MUST((entries[i] = calloc(1, sizeof(*entries[i]))) != NULL);
	for (i = 0; i < placesz; i++) {
		place = &places[i];
		memcpy(entries[i]->d_name, place->name, strlen(place->name));
		entries[i]->d_type = strchr("hG", place->kind) != NULL ? DT_LNK
		    : place->kind == 'F'                               ? DT_REG
		    : place->kind == 'f' ? DT_UNKNOWN
					 : DT_DIR;
	}
	entries[placesz]->d_name[0] = '.';
	entries[placesz]->d_type = DT_DIR;
	*list = entries;
	return (int)placesz + 1;
}

/*
 * The input
 */

/*
 * Copies what may be the name of a file. Returns false for any other.
 */
static bool
name_copy(char name[256], const char *s, size_t len)
{
	size_t i;

	if (len == 0 || len > 255 || memchr(s, '\0', len) != NULL ||
	    memchr(s, '/', len) != NULL)
		return false;
	memcpy(name, s, len);
	name[len] = '\0';
	for (i = 0; i < len; i++)
		if (name[i] == 0x1f)
			name[i] = '\n';
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void
file_add(char letter, off_t size, const char *name, size_t len)
{
	struct place *place;
	struct file *file = &files[filesz];
	size_t i, kind = 0;

	while (kinds[kind].letter != letter)
		if (++kind == sizeof(kinds) / sizeof(kinds[0]))
			return;
	if (placesz == 0 || filesz == FILES_MAX ||
	    !name_copy(file->name, name, len))
		return;
	place = &places[placesz - 1];
	for (i = 0; i < place->filesz; i++)
		if (strcmp(place->files[i].name, file->name) == 0)
			return;
	file->kind = &kinds[kind];
	file->size = size;
	place->filesz++;
	filesz++;
}

static void
place_add(char kind, const char *name, size_t len)
{
	struct place *place;
	size_t i;

	if (placesz == HOURS_MAX || !name_copy(places[placesz].name, name, len))
		return;
	place = &places[placesz];
	for (i = 0; i < placesz; i++)
		if (strcmp(places[i].name, place->name) == 0)
			return;
	place->kind = kind;
	place->files = &files[filesz];
	place->filesz = 0;
	placesz++;
}

/*
 * A segment out of four bytes, where it is likely to touch others.
 */
static void
packed_add(const unsigned char *b)
{
	static const int bases[] = {
	    0, 0, 0, 0, 10, 600, 1800, 3540, 3570, 3590};
	static const int shifts[] = {
	    0, 0, 0, 1, -1, 9999, 10000, 10001, -10000, 500000, -10001, 999999};
	static const char *const durations[] = {"2.0", "2", "2.002", "0",
	    "0.000001", "1.99", "4", "10.000001", "3600", "1e1", "2.0000005",
	    "59.999999", ".5", "1.999999", "600.", "3600.0000004"};
	static const char *const types[] = {
	    "full", "suspect", "partial", "temp"};
	static const char *const endings[] = {
	    "ab.ts", "aa.ts", "ab.tombstone", "abc.ts"};
	char name[128];
	int64_t us;
	int n;

	us =
	    (bases[b[0] % 10] + b[0] / 10 % 8 * 2) * SECOND + shifts[b[1] % 12];
	us = us < 0 ? 0 : us;
	n = snprintf(name, sizeof(name), "%02d:%02d.%06d-%s-%s-%s",
	    (int)(us / (60 * SECOND)), (int)(us / SECOND % 60),
	    (int)(us % SECOND), durations[b[2] % 16], types[b[3] % 4],
	    endings[b[3] / 4 % 16 < 12 ? b[3] / 4 % 2 : b[3] / 4 % 4]);
	file_add(
	    "rrrrrrrrrrrruldE"[b[1] / 12 % 16], b[2] / 16, name, (size_t)n);
}

static void
line_read(const char *line, size_t len)
{
	size_t i;

	if (len == 0 || line[0] == '\0')
		return;
	if (strchr(hour_kinds, line[0]) != NULL)
		place_add(line[0], line + 1, len - 1);
	else if (line[0] == 's')
		for (i = 1; i + 4 <= len; i += 4)
			packed_add((const unsigned char *)line + i);
	else if (len > 2)
		file_add(
		    line[0], (unsigned char)line[1] % 8, line + 2, len - 2);
}

/*
 * Reads the archive; the first line is left to the caller.
 */
static void
archive_read(const char *data, size_t size)
{
	const char *end;
	size_t len;
	bool head = true;

	placesz = filesz = 0;
	for (; size > 0; head = false) {
		end = memchr(data, '\n', size);
		len = end == NULL ? size : (size_t)(end - data);
		if (!head)
			line_read(data, len);
		size -= len + (end != NULL);
		data += len + (end != NULL);
	}
}

static void
shuffle(void *base, size_t n, size_t size, uint32_t *seed)
{
	char *last, *other, swap[sizeof(struct place)];

	for (; n > 1; n--) {
		*seed = *seed * 1664525 + 1013904223;
		last = (char *)base + (n - 1) * size;
		other = (char *)base + (*seed >> 8) % n * size;
		memcpy(swap, last, size);
		memcpy(last, other, size);
		memcpy(other, swap, size);
	}
}

/*
 * Puts hours and files into another order, which depends on the input only.
 */
static void
archive_shuffle(const uint8_t *data, size_t size)
{
	uint32_t seed = 0;
	size_t i;

	for (i = 0; i < size; i++)
		seed = seed * 31 + data[i];
	for (i = 0; i < placesz; i++)
		shuffle(places[i].files, places[i].filesz, sizeof(struct file),
		    &seed);
	shuffle(places, placesz, sizeof(struct place), &seed);
}

/*
 * The model: an hour
 */

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && strcmp(name + n - m, end) == 0;
}

static bool
slow_hidden(const struct place *place, const struct file *file)
{
	char name[512];
	size_t i;

	(void)snprintf(name, sizeof(name), "%.*s.tombstone",
	    (int)strlen(file->name) - 3, file->name);
	for (i = 0; i < place->filesz; i++)
		if (strcmp(place->files[i].name, name) == 0)
			return true;
	return false;
}

static void
slow_take(struct slow_hour *hour, const struct file *file)
{
	struct piece *piece = &hour->pieces[hour->piecesz];
	struct segment seg = {0};
	bool good;

	if (file->name[0] == '.' || !ends_with(file->name, ".ts"))
		return;
	good = slow_parse(file->name, &seg);
	/* only of what may be a segment it is asked what it is */
	if (good && file->kind->error == EIO && file->kind->type != DT_REG)
		hour->failed = true;
	if (slow_hidden(hour->place, file))
		hour->counts.tombstoned++;
	else if (!good || !file->kind->regular) {
		hour->bad[hour->badsz++] = file;
		hour->counts.bad++;
	} else if (seg.type == SEGMENT_TEMP)
		hour->counts.temp++;
	else {
		piece->best = false;
		piece->file = file;
		piece->start = hour->time + seg.offset;
		piece->end = piece->start + seg.duration;
		piece->type = seg.type;
		hour->counts.segments[seg.type].count++;
		hour->counts.segments[seg.type].duration += seg.duration;
		hour->piecesz++;
	}
}

static int
piece_compare(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return x->start != y->start ? (x->start > y->start ? 1 : -1)
				    : strcmp(x->file->name, y->file->name);
}

static int
bad_compare(const void *a, const void *b)
{
	return strcmp((*(const struct file *const *)a)->name,
	    (*(const struct file *const *)b)->name);
}

/*
 * Whether a is better than b, which starts with it and sorts before it.
 */
static bool
slow_better(const struct piece *a, const struct piece *b)
{
	off_t size[2];

	if (a->type != b->type)
		return a->type < b->type;
	if (a->type == SEGMENT_FULL)
		return a->end >= b->end;
	size[0] = a->file->kind->error != 0 ? 0 : a->file->size;
	size[1] = b->file->kind->error != 0 ? 0 : b->file->size;
	return size[0] >= size[1];
}

/*
 * Whether the sizes of the best type's pieces at one start are asked for.
 */
static void
slow_sizes(struct slow_hour *hour, size_t from, size_t to, enum segment_type t)
{
	size_t failing = 0, i, rivals = 0;

	for (i = from; i < to; i++) {
		if (hour->pieces[i].type != t)
			continue;
		rivals++;
		failing += hour->pieces[i].file->kind->error == EIO;
	}
	if (t != SEGMENT_FULL && rivals > 1 && failing > 0)
		hour->failed = true;
}

static void
slow_choose(struct slow_hour *hour)
{
	struct piece *best, *p = hour->pieces;
	struct tally *tally;
	size_t i, j, next;

	for (i = 0; i < hour->piecesz; i = next) {
		best = &p[i];
		for (next = i + 1;
		     next < hour->piecesz && p[next].start == p[i].start;
		     next++)
			if (slow_better(&p[next], best))
				best = &p[next];
		best->best = true;
		slow_sizes(hour, i, next, best->type);
		for (j = i; j < next; j++) {
			tally = p[j].best ? &hour->counts.incomplete
					  : &hour->counts.overlaps[p[j].type];
			if (p[j].best && p[j].type == SEGMENT_FULL)
				continue;
			tally->count++;
			tally->duration += p[j].end - p[j].start;
		}
	}
}

static void
slow_hour_read(struct slow_hour *hour, struct place *place, int64_t time)
{
	size_t i;

	memset(&hour->counts, 0, sizeof(hour->counts));
	hour->piecesz = hour->badsz = 0;
	hour->raw = hour->editable = 0;
	hour->failed = hour->any = false;
	hour->place = place;
	hour->time = time;
	hour->start = hour->end = TIME_NONE;
	hour->unread = strchr("xX", place->kind) != NULL;
	if (hour->unread)
		return;
	for (i = 0; i < place->filesz; i++)
		slow_take(hour, &place->files[i]);
	qsort(hour->pieces, hour->piecesz, sizeof(hour->pieces[0]),
	    piece_compare);
	qsort(hour->bad, hour->badsz, sizeof(void *), bad_compare);
	slow_choose(hour);
	hour->any = hour->piecesz > 0;
}

/*
 * The model: the timeline
 */

static bool
slow_cut(struct span *s, int64_t from, int64_t to)
{
	s->start = s->start > from ? s->start : from;
	s->end = s->end < to ? s->end : to;
	return s->start < s->end;
}

static void
slow_add(struct spans *spans, int64_t start, int64_t end)
{
	struct span s = {start, end};

	if (!slow_cut(&s, slow.window.start, slow.window.end))
		return;
	if (spans == &slow.raw && spans->n == 0)
		slow.began = start;
	spans->s[spans->n++] = s;
}

static void
slow_present(int64_t time, int64_t start)
{
	if (slow.present == TIME_NONE)
		slow.raw_end = slow.editable_end = start;
	else if (time > slow.present + HOUR)
		slow_add(&slow.missing, slow.present + HOUR, time);
	slow.present = time;
}

static void
slow_incomplete(const struct piece *p)
{
	struct span *last;

	if (p->type == SEGMENT_FULL || p->start == p->end)
		return;
	last = slow.exact.n > 0 ? &slow.exact.s[slow.exact.n - 1] : NULL;
	if (last == NULL || p->start > last->end)
		slow.exact.s[slow.exact.n++] = (struct span){p->start, p->end};
	else if (p->end > last->end)
		last->end = p->end;
	if (slow.joined.start != TIME_NONE &&
	    p->start <= slow.joined.end + slow.tolerance) {
		if (p->end > slow.joined.end)
			slow.joined.end = p->end;
		return;
	}
	if (slow.joined.start != TIME_NONE)
		slow_add(&slow.incomplete, slow.joined.start, slow.joined.end);
	slow.joined = (struct span){p->start, p->end};
}

static void
slow_piece(struct slow_hour *hour, const struct piece *p)
{
	const int64_t t = slow.tolerance;
	int64_t from;

	if (p->start < slow.raw_end - t) {
		hour->counts.overlaps[p->type].count++;
		hour->counts.overlaps[p->type].duration +=
		    (p->end < slow.raw_end ? p->end : slow.raw_end) - p->start;
	}
	if (p->start > slow.raw_end + t)
		slow_add(&slow.raw, slow.raw_end, p->start);
	from = p->start > slow.raw_end ? p->start : slow.raw_end;
	if (p->end > from)
		hour->raw += p->end - from;
	if (p->end > slow.raw_end)
		slow.raw_end = p->end;
	if (p->start >= slow.editable_end - t) {
		if (p->start > slow.editable_end + t)
			slow_add(&slow.editable, slow.editable_end, p->start);
		hour->editable += p->end - p->start;
		if (p->end > slow.editable_end)
			slow.editable_end = p->end;
	}
	slow_incomplete(p);
	if (hour->start == TIME_NONE)
		hour->start = p->start;
	if (p->end > hour->end)
		hour->end = p->end;
}

static void
slow_account(struct slow_hour *hour)
{
	size_t i;

	if (hour->failed || hour->unread)
		slow.complete = false;
	if (hour->unread) {
		slow_present(hour->time, hour->time);
		if (hour->time > slow.raw_end + slow.tolerance)
			slow_add(&slow.raw, slow.raw_end, hour->time);
		if (hour->time > slow.editable_end + slow.tolerance)
			slow_add(&slow.editable, slow.editable_end, hour->time);
		if (slow.raw_end < hour->time + HOUR)
			slow.raw_end = hour->time + HOUR;
		if (slow.editable_end < hour->time + HOUR)
			slow.editable_end = hour->time + HOUR;
		return;
	}
	if (!hour->any)
		return;
	slow_present(hour->time, hour->pieces[0].start);
	for (i = 0; i < hour->piecesz; i++)
		if (hour->pieces[i].best)
			slow_piece(hour, &hour->pieces[i]);
	if (slow.stream.start == TIME_NONE)
		slow.stream.start = hour->start;
	if (hour->end > slow.stream.end)
		slow.stream.end = hour->end;
}

static int
slow_hour_compare(const void *a, const void *b)
{
	const struct slow_hour *x = a, *y = b;

	return x->time < y->time ? -1 : x->time > y->time;
}

/*
 * Accounts for the hours of the window and, on each side, for those up to the
 * nearest one around it that counts.
 */
static void
slow_survey(const struct options *opt)
{
	struct slow_hour *h = slow.hours;
	int64_t time;
	size_t after, before, i;

	slow.hoursz = 0;
	for (i = 0; i < placesz; i++)
		if (strchr("HhxX", places[i].kind) != NULL &&
		    (time = slow_hour_parse(places[i].name)) != TIME_NONE)
			slow_hour_read(&h[slow.hoursz++], &places[i], time);
	qsort(h, slow.hoursz, sizeof(*h), slow_hour_compare);
	slow.raw.n = slow.editable.n = slow.incomplete.n = 0;
	slow.exact.n = slow.missing.n = 0;
	slow.tolerance = opt->tolerance;
	slow.present = slow.stream.start = slow.stream.end = TIME_NONE;
	slow.joined.start = slow.joined.end = TIME_NONE;
	slow.complete = true;
	slow.window.start =
	    opt->first_hour == TIME_NONE ? INT64_MIN : opt->first_hour;
	slow.window.end =
	    opt->last_hour == TIME_NONE ? INT64_MAX : opt->last_hour + HOUR;
	for (before = 0;
	     before < slow.hoursz && h[before].time < slow.window.start;)
		before++;
	for (after = before;
	     after < slow.hoursz && h[after].time < slow.window.end;)
		after++;
	slow.first = before;
	slow.last = after;
	while (before > 0 && !h[before - 1].any && !h[before - 1].unread)
		before--;
	while (after < slow.hoursz && !h[after].any && !h[after].unread)
		after++;
	if (before > 0)
		before--;
	if (after < slow.hoursz)
		after++;
	for (i = before; i < after; i++)
		slow_account(&h[i]);
	if (slow.joined.start != TIME_NONE)
		slow_add(&slow.incomplete, slow.joined.start, slow.joined.end);
}

/*
 * What came out
 */

static void
spans_same(const struct span *spans, size_t n, const struct spans *wanted)
{
	size_t i;

	MUST(n == wanted->n);
	for (i = 0; i < n; i++) {
		MUST(spans[i].start == wanted->s[i].start);
		MUST(spans[i].end == wanted->s[i].end);
		MUST(spans[i].start < spans[i].end);
		MUST(i == 0 || spans[i - 1].end <= spans[i].start);
	}
}

static void
tallies_same(const struct tally *a, const struct tally *b)
{
	size_t i;

	for (i = 0; i < SEGMENT_TYPES; i++) {
		MUST(a[i].count == b[i].count);
		MUST(a[i].duration == b[i].duration);
	}
}

static void
counts_same(const struct counts *a, const struct counts *b)
{
	tallies_same(a->segments, b->segments);
	tallies_same(a->overlaps, b->overlaps);
	MUST(a->incomplete.count == b->incomplete.count);
	MUST(a->incomplete.duration == b->incomplete.duration);
	MUST(a->temp == b->temp);
	MUST(a->bad == b->bad);
	MUST(a->tombstoned == b->tombstoned);
}

static void
share_same(const struct share *share, const struct coverage *coverage,
    int64_t covered, int64_t hour)
{
	struct span part;
	int64_t lost = 0;
	size_t i, n = 0;

	for (i = 0; i < coverage->holesz; i++) {
		part = coverage->holes[i];
		if (!slow_cut(&part, hour, hour + HOUR))
			continue;
		MUST(share->first + n == i);
		n++;
		lost += part.end - part.start;
	}
	MUST(share->covered == covered);
	MUST(share->holesz == n);
	MUST(share->hole_duration == lost);
}

static void
hour_same(const struct report *r, const struct hour *h,
    const struct slow_hour *wanted)
{
	size_t i;

	MUST(h->time == wanted->time);
	MUST(h->readable == !wanted->unread);
	MUST(h->start == wanted->start);
	MUST(h->end == wanted->end);
	counts_same(&h->counts, &wanted->counts);
	share_same(&h->raw, &r->raw, wanted->raw, h->time);
	share_same(&h->editable, &r->editable, wanted->editable, h->time);
	MUST(h->bad_namesz ==
	    (wanted->badsz < BAD_NAMES_MAX ? wanted->badsz : BAD_NAMES_MAX));
	for (i = 0; i < h->bad_namesz; i++)
		MUST(strcmp(h->bad_names[i], wanted->bad[i]->name) == 0);
}

static int64_t
spans_sum(const struct span *spans, size_t n)
{
	int64_t sum = 0;

	while (n > 0) {
		n--;
		sum += spans[n].end - spans[n].start;
	}
	return sum;
}

static size_t
counts_total(const struct counts *counts)
{
	size_t i, n = counts->temp + counts->bad + counts->tombstoned;

	for (i = 0; i < SEGMENT_TYPES; i++)
		n += counts->segments[i].count;
	return n;
}

/*
 * How many names of the hour's directory end like a segment's.
 */
static size_t
names_total(const struct slow_hour *hour)
{
	const char *name;
	size_t i, n = 0;

	for (i = 0; i < hour->place->filesz; i++) {
		name = hour->place->files[i].name;
		n += name[0] != '.' && ends_with(name, ".ts");
	}
	return n;
}

/*
 * The laws that need no model.
 */
static void
laws(const struct report *r)
{
	size_t i;
	bool unknown = false;

	for (i = 0; i < r->hoursz; i++)
		if (!r->hours[i].readable)
			unknown = true;
		else
			MUST(counts_total(&r->hours[i].counts) ==
			    names_total(&slow.hours[slow.first + i]));
	MUST(r->raw.hole_duration == spans_sum(r->raw.holes, r->raw.holesz));
	MUST(r->editable.hole_duration ==
	    spans_sum(r->editable.holes, r->editable.holesz));
	MUST(r->raw.holesz <= r->editable.holesz);
	MUST(r->raw.hole_duration <= r->editable.hole_duration);
	if (slow.tolerance == 0 && !unknown && r->start != TIME_NONE &&
	    slow.window.start == INT64_MIN && slow.window.end == INT64_MAX) {
		MUST(
		    r->raw.covered + r->raw.hole_duration == r->end - r->start);
		MUST(r->editable.covered + r->editable.hole_duration ==
		    slow.editable_end - r->start);
		MUST(r->editable.covered <= r->raw.covered);
	}
}

static void
slow_count(struct counts *sum, const struct counts *c)
{
	size_t i;

	for (i = 0; i < SEGMENT_TYPES; i++) {
		sum->segments[i].count += c->segments[i].count;
		sum->segments[i].duration += c->segments[i].duration;
		sum->overlaps[i].count += c->overlaps[i].count;
		sum->overlaps[i].duration += c->overlaps[i].duration;
	}
	sum->incomplete.count += c->incomplete.count;
	sum->incomplete.duration += c->incomplete.duration;
	sum->temp += c->temp;
	sum->bad += c->bad;
	sum->tombstoned += c->tombstoned;
}

static void
report_is(const struct report *r)
{
	struct counts sum = {0};
	int64_t editable = 0, end = TIME_NONE, raw = 0, start = TIME_NONE;
	size_t i;

	MUST(r->found && r->readable);
	MUST(r->hoursz == slow.last - slow.first);
	for (i = 0; i < r->hoursz; i++) {
		hour_same(r, &r->hours[i], &slow.hours[slow.first + i]);
		slow_count(&sum, &slow.hours[slow.first + i].counts);
		raw += r->hours[i].raw.covered;
		editable += r->hours[i].editable.covered;
		if (start == TIME_NONE)
			start = r->hours[i].start;
		if (r->hours[i].end > end)
			end = r->hours[i].end;
	}
	counts_same(&r->counts, &sum);
	MUST(r->raw.covered == raw && r->editable.covered == editable);
	MUST(r->start == start && r->end == end);
	MUST(r->stream.start == slow.stream.start);
	MUST(r->stream.end == slow.stream.end);
	spans_same(r->raw.holes, r->raw.holesz, &slow.raw);
	spans_same(r->editable.holes, r->editable.holesz, &slow.editable);
	spans_same(r->incomplete, r->incompletesz, &slow.incomplete);
	spans_same(r->incomplete_exact, r->incomplete_exactsz, &slow.exact);
	spans_same(r->missing, r->missingsz, &slow.missing);
	laws(r);
}

/*
 * What is printed
 */

/*
 * A sheet to print on. What was on it is gone; memory of its own for each
 * would take half of the time.
 */
static FILE *
sheet_take(struct paper *paper)
{
	FILE *fp = fmemopen(paper->text, sizeof(paper->text), "w");

	MUST(fp != NULL);
	return fp;
}

static void
sheet_end(FILE *fp, struct paper *paper)
{
	long size;

	MUST(!ferror(fp) && fflush(fp) == 0 && (size = ftell(fp)) >= 0);
	MUST((size_t)size < sizeof(paper->text));
	MUST(fclose(fp) == 0);
	paper->text[size] = '\0';
	paper->size = (size_t)size;
}

static void
print(int (*emit)(FILE *, const struct options *, const struct survey *),
    const struct options *opt, const struct survey *survey, struct paper *paper)
{
	FILE *fp = sheet_take(paper);

	MUST(emit(fp, opt, survey) == 0);
	sheet_end(fp, paper);
	MUST(strlen(paper->text) == paper->size);
	MUST(slow_utf8(paper->text));
}

/*
 * What is printed: JSON
 */

static const cJSON *
json_at(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	MUST(item != NULL);
	return item;
}

static void
json_count_is(const cJSON *object, const char *key, size_t n)
{
	const cJSON *number = json_at(object, key);

	MUST(cJSON_IsNumber(number));
	MUST(number->valuedouble >= 0 && (size_t)number->valuedouble == n);
}

/*
 * A double has room for the microseconds of 285 years.
 */
static void
json_seconds_are(const cJSON *object, const char *key, int64_t us)
{
	const cJSON *number = json_at(object, key);
	double seconds = (double)us / 1e6;

	MUST(cJSON_IsNumber(number));
	MUST(fabs(number->valuedouble - seconds) <= fabs(seconds) * 1e-15);
}

/*
 * An instant, of which the first len bytes are printed.
 */
static void
json_time_is(const cJSON *object, const char *key, int64_t t, int len)
{
	const cJSON *string = json_at(object, key);
	char buf[TIME_SIZE], wanted[TIME_SIZE];

	if (t == TIME_NONE) {
		MUST(cJSON_IsNull(string));
		return;
	}
	slow_time_format(buf, t);
	(void)snprintf(wanted, sizeof(wanted), "%.*s", len, buf);
	MUST(cJSON_IsString(string));
	MUST(strcmp(string->valuestring, wanted) == 0);
}

/*
 * The bytes, but U+FFFD for each that is of no UTF-8 sequence.
 */
static void
json_text_is(const cJSON *string, const char *bytes)
{
	const char *s = cJSON_GetStringValue(string);
	size_t n;

	MUST(s != NULL);
	for (; *bytes != '\0'; bytes += n, s += n) {
		if ((n = slow_sequence(bytes)) > 0) {
			MUST(strncmp(s, bytes, n) == 0);
			continue;
		}
		MUST(strncmp(s, "\ufffd", 3) == 0);
		s += 2;
		n = 1;
	}
	MUST(*s == '\0');
}

static void
json_span_is(const cJSON *object, const struct span *span)
{
	json_time_is(object, "start", span->start, TIME_SIZE);
	json_time_is(object, "end", span->end, TIME_SIZE);
	json_seconds_are(object, "duration", span->end - span->start);
}

/*
 * The spans in the bounds, cut there.
 */
static void
json_spans_are(const cJSON *object, const char *key, const struct span *spans,
    size_t n, int64_t from, int64_t to)
{
	const cJSON *item = json_at(object, key);
	struct span span;
	size_t i;

	MUST(cJSON_IsArray(item));
	item = item->child;
	for (i = 0; i < n; i++) {
		span = spans[i];
		if (!slow_cut(&span, from, to))
			continue;
		MUST(item != NULL);
		json_span_is(item, &span);
		item = item->next;
	}
	MUST(item == NULL);
}

static void
json_tally_is(const cJSON *object, const char *key, const struct tally *tally)
{
	const cJSON *item = json_at(object, key);

	json_count_is(item, "count", tally->count);
	json_seconds_are(item, "duration", tally->duration);
}

static void
json_counts_are(const cJSON *object, const struct counts *c)
{
	const cJSON *overlaps = json_at(object, "overlaps");
	const cJSON *segments = json_at(object, "segments");

	json_tally_is(segments, "full", &c->segments[SEGMENT_FULL]);
	json_tally_is(segments, "suspect", &c->segments[SEGMENT_SUSPECT]);
	json_tally_is(segments, "partial", &c->segments[SEGMENT_PARTIAL]);
	json_count_is(json_at(segments, "temp"), "count", c->temp);
	json_count_is(json_at(segments, "bad"), "count", c->bad);
	json_count_is(json_at(segments, "tombstoned"), "count", c->tombstoned);
	json_tally_is(overlaps, "full", &c->overlaps[SEGMENT_FULL]);
	json_tally_is(overlaps, "suspect", &c->overlaps[SEGMENT_SUSPECT]);
	json_tally_is(overlaps, "partial", &c->overlaps[SEGMENT_PARTIAL]);
	json_tally_is(object, "incomplete", &c->incomplete);
}

static void
json_share_is(const cJSON *object, const char *key, const struct share *share,
    const struct coverage *c, int64_t hour)
{
	const cJSON *item = json_at(object, key);

	json_seconds_are(item, "coverage", share->covered);
	json_count_is(item, "hole_count", share->holesz);
	json_seconds_are(item, "hole_duration", share->hole_duration);
	json_spans_are(item, "holes", c->holes, c->holesz, hour, hour + HOUR);
}

static void
json_hour_is(const cJSON *object, const struct report *r, const struct hour *h)
{
	const cJSON *name = json_at(object, "bad_names")->child;
	size_t i;

	json_time_is(object, "hour", h->time, 13);
	json_time_is(object, "start", h->start, TIME_SIZE);
	json_time_is(object, "end", h->end, TIME_SIZE);
	json_counts_are(object, &h->counts);
	json_share_is(object, "raw", &h->raw, &r->raw, h->time);
	json_share_is(object, "editable", &h->editable, &r->editable, h->time);
	for (i = 0; i < h->bad_namesz; i++, name = name->next) {
		MUST(name != NULL);
		json_text_is(name, h->bad_names[i]);
	}
	MUST(name == NULL);
	MUST(cJSON_IsTrue(json_at(object, "readable")) == h->readable);
}

static void
json_coverage_is(const cJSON *object, const char *key, const struct coverage *c)
{
	const cJSON *item = json_at(object, key);
	const struct span *longest = c->holes;
	int64_t whole = c->covered + c->hole_duration;
	size_t i;

	json_seconds_are(item, "coverage", c->covered);
	if (whole > 0)
		json_seconds_are(item, "ratio", c->covered * 1000000 / whole);
	else
		MUST(cJSON_IsNull(json_at(item, "ratio")));
	json_count_is(item, "hole_count", c->holesz);
	json_seconds_are(item, "hole_duration", c->hole_duration);
	for (i = 0; i < c->holesz; i++)
		if (c->holes[i].end - c->holes[i].start >
		    longest->end - longest->start)
			longest = &c->holes[i];
	if (c->holesz > 0)
		json_span_is(json_at(item, "longest_hole"), longest);
	else
		MUST(cJSON_IsNull(json_at(item, "longest_hole")));
	json_spans_are(
	    item, "holes", c->holes, c->holesz, INT64_MIN, INT64_MAX);
}

static void
json_missing_is(const cJSON *object, const struct report *r)
{
	const cJSON *range = json_at(object, "ranges")->child;
	size_t count, i, total = 0;

	for (i = 0; i < r->missingsz; i++, range = range->next) {
		MUST(range != NULL);
		count =
		    (size_t)((r->missing[i].end - r->missing[i].start) / HOUR);
		json_time_is(range, "first", r->missing[i].start, 13);
		json_time_is(range, "last", r->missing[i].end - HOUR, 13);
		json_count_is(range, "count", count);
		total += count;
	}
	MUST(range == NULL);
	json_count_is(object, "count", total);
}

static void
json_report_is(const cJSON *object, const struct report *r)
{
	const cJSON *hour = json_at(object, "hours")->child;
	size_t i;

	json_text_is(json_at(object, "channel"), r->channel);
	json_text_is(json_at(object, "quality"), r->quality);
	MUST(cJSON_IsTrue(json_at(object, "found")));
	json_time_is(object, "start", r->start, TIME_SIZE);
	json_time_is(object, "end", r->end, TIME_SIZE);
	if (r->end == TIME_NONE)
		MUST(cJSON_IsNull(json_at(object, "age")));
	else
		json_seconds_are(object, "age", NOW - r->end);
	json_counts_are(object, &r->counts);
	json_coverage_is(object, "raw", &r->raw);
	json_coverage_is(object, "editable", &r->editable);
	json_spans_are(json_at(object, "incomplete"), "spans", r->incomplete,
	    r->incompletesz, INT64_MIN, INT64_MAX);
	json_missing_is(json_at(object, "missing_hours"), r);
	for (i = 0; i < r->hoursz; i++, hour = hour->next) {
		MUST(hour != NULL);
		json_hour_is(hour, r, &r->hours[i]);
	}
	MUST(hour == NULL);
}

static void
json_is(const struct options *opt, const struct survey *survey)
{
	cJSON *json = cJSON_ParseWithLength(document.text, document.size);
	const cJSON *error, *reports;
	size_t i;

	MUST(json != NULL);
	json_count_is(json, "schema_version", 1);
	json_time_is(json, "generated_at", NOW, TIME_SIZE);
	json_seconds_are(json, "tolerance", slow.tolerance);
	json_time_is(json, "first_hour", opt->first_hour, 13);
	json_time_is(json, "last_hour", opt->last_hour, 13);
	MUST(cJSON_IsTrue(json_at(json, "complete")) == survey->complete);
	error = json_at(json, "errors")->child;
	for (i = 0; i < survey->errorsz; i++, error = error->next) {
		MUST(error != NULL);
		json_text_is(json_at(error, "path"), survey->errors[i].path);
	}
	MUST(error == NULL);
	reports = json_at(json, "reports");
	MUST(cJSON_GetArraySize(reports) == 1);
	json_report_is(reports->child, &survey->reports[0]);
	cJSON_Delete(json);
}

/*
 * What is printed: text, metrics, the map and the page
 */

static PLAIN void
text_sane(const struct paper *paper, bool utf8)
{
	const char *s;

	for (s = paper->text; *s != '\0'; s++)
		MUST(*s == '\n' || (*s > 0 ? *s >= ' ' && *s != 0x7f : utf8));
}

/*
 * Each line of the metrics: a comment, or a name, labels and a number.
 */
static PLAIN void
metrics_sane(const char *text)
{
	const char *s = text;

	while (*s != '\0') {
		if (*s == '#') {
			s = strchr(s, '\n') + 1;
			continue;
		}
		s += strspn(s, "abcdefghijklmnopqrstuvwxyz_");
		MUST(*s == '{');
		do {
			s++;
			s += strspn(s, "abcdefghijklmnopqrstuvwxyz");
			MUST(s[0] == '=' && s[1] == '"');
			for (s += 2; *s != '"'; s++) {
				MUST(*s != '\n' && *s != '\0');
				if (*s == '\\')
					MUST(strchr("\\\"n", *++s) != NULL);
			}
		} while (*++s == ',');
		MUST(s[0] == '}' && s[1] == ' ');
		s += 2 + (s[2] == '-');
		MUST(strspn(s, "0123456789") > 0);
		s += strspn(s, "0123456789.");
		MUST(*s == '\n');
		s++;
	}
}

/*
 * What the samples of a family add up to, in millionths, and how many there
 * are.
 */
static int64_t
metrics_sum(const char *text, const char *family, size_t *n)
{
	char start[64], value[32], *fraction;
	const char *s = text;
	int64_t sum = 0;

	(void)snprintf(start, sizeof(start), "\n%s{", family);
	for (*n = 0; (s = strstr(s, start)) != NULL; (*n)++) {
		s = strchr(s + 1, '\n');
		while (*--s != ' ')
			;
		(void)snprintf(value, sizeof(value), "%.*s",
		    (int)strcspn(s + 1, "\n"), s + 1);
		sum += strtoll(value, &fraction, 10) * SECOND;
		if (*fraction == '.')
			sum += llround(strtod(fraction, NULL) * 1e6);
	}
	return sum;
}

static struct tally
tallies_sum(const struct tally *tallies)
{
	struct tally sum = {0, 0};
	size_t i;

	for (i = 0; i < SEGMENT_TYPES; i++) {
		sum.count += tallies[i].count;
		sum.duration += tallies[i].duration;
	}
	return sum;
}

static size_t
readable_total(const struct report *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->hoursz; i++)
		n += r->hours[i].readable;
	return n;
}

static void
metrics_are(const char *text, const struct report *r)
{
	const struct tally overlaps = tallies_sum(r->counts.overlaps);
	const struct tally segments = tallies_sum(r->counts.segments);
	const struct tally *incomplete = &r->counts.incomplete;
	const size_t hours = readable_total(r);
	const struct {
		const char *family;
		size_t n;
		int64_t sum;
	} wanted[] = {
	    {"segment_duration", 3 * hours, segments.duration},
	    {"overlap_count", 3 * hours, (int64_t)overlaps.count * SECOND},
	    {"overlap_duration", 3 * hours, overlaps.duration},
	    {"raw_coverage", hours, r->raw.covered},
	    {"editable_coverage", hours, r->editable.covered},
	    {NAME("segments"), 6, (int64_t)counts_total(&r->counts) * SECOND},
	    {NAME("segment_seconds"), 3, segments.duration},
	    {NAME("overlaps"), 3, (int64_t)overlaps.count * SECOND},
	    {NAME("overlap_seconds"), 3, overlaps.duration},
	    {NAME("raw_covered_seconds"), 1, r->raw.covered},
	    {NAME("raw_holes"), 1, (int64_t)r->raw.holesz * SECOND},
	    {NAME("raw_hole_seconds"), 1, r->raw.hole_duration},
	    {NAME("editable_covered_seconds"), 1, r->editable.covered},
	    {NAME("editable_hole_seconds"), 1, r->editable.hole_duration},
	    {NAME("incomplete_seconds"), 1, incomplete->duration},
	    {NAME("missing_seconds"), 1, spans_sum(r->missing, r->missingsz)},
	};
	size_t i, n;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		MUST(metrics_sum(text, wanted[i].family, &n) == wanted[i].sum);
		MUST(n == wanted[i].n);
	}
}

static PLAIN bool
touches(const struct span *spans, size_t n, int64_t start)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (spans[i].start < start + 2 * SECOND && spans[i].end > start)
			return true;
	return false;
}

/*
 * The colour of the pixel of two seconds from start on.
 */
static PLAIN unsigned
slow_colour(const struct report *r, int64_t start)
{
	size_t i;

	for (i = 0; i < r->hoursz; i++)
		if (!r->hours[i].readable && start >= r->hours[i].time &&
		    start < r->hours[i].time + HOUR)
			return 0x7f7f7f;
	if (slow.stream.start == TIME_NONE || start < slow.stream.start ||
	    start + 2 * SECOND > slow.stream.end ||
	    touches(slow.raw.s, slow.raw.n, start))
		return 0xffffff;
	return touches(slow.exact.s, slow.exact.n, start) ? 0xff7f0e : 0x1f77b4;
}

static PLAIN void
map_is(const struct options *opt, const struct report *r)
{
	struct span range;
	unsigned char *p, *pixels;
	int64_t at;
	int depth, height, width, x, y;
	FILE *fp;

	if (!map_range(opt, r, &range))
		return;
	MUST(range.start < range.end && range.start % HOUR == 0);
	if ((range.end - range.start) / HOUR > MAP_CHECKED)
		return;
	fp = sheet_take(&sheet);
	MUST(render_map(fp, opt, r) == 0);
	sheet_end(fp, &sheet);
	pixels = stbi_load_from_memory((const unsigned char *)sheet.text,
	    (int)sheet.size, &width, &height, &depth, 0);
	MUST(pixels != NULL && depth == 3 && height == 300);
	MUST(width == (int)((range.end - range.start) / (600 * SECOND)));
	for (x = 0; x < width; x++)
		for (y = 0; y < height; y++) {
			p = pixels + (size_t)(y * width + x) * 3;
			at = range.start + (x * 600 + y * 2) * SECOND;
			MUST((unsigned)(p[0] << 16 | p[1] << 8 | p[2]) ==
			    slow_colour(r, at));
		}
	stbi_image_free(pixels);
}

static PLAIN size_t
times_in(const char *text, char c)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == c;
	return n;
}

static void
page_print(
    const struct options *opt, const struct report *r, const struct node *node)
{
	FILE *fp = sheet_take(&sheet);

	MUST(render_page(fp, opt, r, node, 1) == 0);
	sheet_end(fp, &sheet);
	MUST(strlen(sheet.text) == sheet.size);
	MUST(slow_utf8(sheet.text));
}

/*
 * The names of the first files make a node, as hostile as they are: they add
 * no markup to what a harmless one has.
 */
static void
page_is(const struct options *opt, const struct report *r)
{
	static const char markup[] = "<>\"";
	char url[600] = "http://";
	struct node harmless = {.name = url, .url = url};
	struct node node = {.name = opt->channels[0], .url = url};
	struct report plain = *r;
	size_t i, n[3];

	plain.channel = "channel";
	memcpy(url + 7, "host", sizeof("host"));
	harmless.fault = node.fault = NULL;
	page_print(opt, &plain, &harmless);
	for (i = 0; i < 3; i++)
		n[i] = times_in(sheet.text, markup[i]);
	if (filesz > 0)
		node.name = files[0].name;
	if (filesz > 1)
		(void)snprintf(url, sizeof(url), "%s%s",
		    files[1].name[0] == 'h' ? "" : "http://", files[1].name);
	node.fault = node_fault(&node);
	page_print(opt, r, &node);
	for (i = 0; i < 3 && node.fault == NULL; i++)
		MUST(n[i] == times_in(sheet.text, markup[i]));
	MUST((strstr(sheet.text, "<figure>") != NULL) == (node.fault == NULL));
}

/*
 * One input
 */

/*
 * What --check finds.
 */
static void
check_is(struct run *run)
{
	const struct options *opt = run->opt;
	const struct report *r = &run->survey.reports[0];
	bool found = false, known = true;
	size_t i;

	for (i = 0; i < slow.raw.n; i++)
		found |= (i == 0 ? slow.began : slow.raw.s[i].start) <=
		    opt->now - opt->settle;
	for (i = slow.first; i < slow.last; i++)
		known &= !slow.hours[i].unread ||
		    (r->start != TIME_NONE &&
			slow.hours[i].time + HOUR <= r->end);
	if (r->start != TIME_NONE)
		found |= known && opt->max_age >= 0 &&
		    opt->now - r->end > opt->max_age;
	else
		found |= known;
	check(run);
	MUST(run->found == found);
}

/* kept from run to run, as it is from hour to hour */
static struct listing kept;

static void
survey_drop(struct run *run)
{
	kept = run->pool.listing;
	memset(&run->pool.listing, 0, sizeof(kept));
	pool_stop(&run->pool);
	survey_free(&run->survey);
}

static void
run_once(struct run *run, const struct options *opt)
{
	memset(run, 0, sizeof(*run));
	run->opt = opt;
	run->survey.complete = true;
	run->survey.reports = need(calloc(1, sizeof(struct report)));
	run->survey.reportsz = 1;
	run->survey.reports[0].channel = opt->channels[0];
	run->survey.reports[0].quality = "source";
	run->survey.reports[0].start = run->survey.reports[0].end = TIME_NONE;
	run->survey.reports[0].stream.start = TIME_NONE;
	run->survey.reports[0].stream.end = TIME_NONE;
	saying = sheet_take(&said);
	pool_start(&run->pool, opt);
	run->pool.listing = kept;
	quality_survey(run, &run->survey.reports[0], "fake");
	report_is(&run->survey.reports[0]);
	MUST(run->survey.complete == slow.complete);
	MUST((run->survey.errorsz > 0) == !slow.complete);
	check_is(run);
	sheet_end(saying, &said);
	text_sane(&said, opt->utf8);
}

static void
emitters_try(struct options *opt, struct run *run, bool map, bool page)
{
	const struct report *report = &run->survey.reports[0];
	int i;

	for (i = 0; i < 4; i++) {
		opt->utf8 = i & 1;
		opt->all_hours = i & 2;
		print(report_text, opt, &run->survey, &sheet);
		text_sane(&sheet, opt->utf8);
	}
	print(report_metrics, opt, &run->survey, &sheet);
	metrics_sane(sheet.text);
	metrics_are(sheet.text, report);
	if (map)
		map_is(opt, report);
	if (page)
		page_is(opt, report);
}

/*
 * The options of the first line, a bit or two each: which tolerance, and
 * --verbose; the bounds of the window, and --max-age; `m` for a map, and `p`
 * for a page.
 */
static void
options_read(
    struct options *opt, const char *line, size_t len, char channel[256])
{
	static const int64_t tolerances[] = {
	    0, 10000, 0, 10000, 1, 500000, 2 * SECOND, HOUR};
	int64_t times[2] = {TIME_NONE, TIME_NONE};
	int how = len > 0 ? line[0] : 0, window = len > 1 ? line[1] : 0;
	size_t i;

	options_default(opt);
	opt->format = FORMAT_JSON;
	opt->now = NOW;
	opt->jobs = 1;
	opt->tolerance = tolerances[how & 7];
	opt->verbose = how & 8;
	opt->utf8 = how & 16;
	for (i = 0; i < placesz && i < 2; i++)
		times[i] = slow_hour_parse(places[i].name);
	if ((window & 1) != 0)
		opt->first_hour = times[0];
	if ((window & 2) != 0)
		opt->last_hour = (window & 4) != 0 ? times[0] : times[1];
	if (opt->first_hour != TIME_NONE && opt->last_hour != TIME_NONE &&
	    opt->first_hour > opt->last_hour)
		opt->last_hour = opt->first_hour;
	if ((window & 8) != 0)
		opt->max_age = HOUR;
	if (len < 5 || line[4] == '.' || !name_copy(channel, line + 4, len - 4))
		memcpy(channel, "channel", sizeof("channel"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *end = memchr(text, '\n', size);
	size_t len = end == NULL ? size : (size_t)(end - text);
	char channel[256], *channels[] = {channel};
	struct options opt;
	struct run run;

	archive_read(text, size);
	options_read(&opt, text, len, channel);
	opt.channels = channels;
	opt.channelsz = 1;
	slow_survey(&opt);
	changing = false;
	run_once(&run, &opt);
	print(report_json, &opt, &run.survey, &document);
	json_is(&opt, &run.survey);
	emitters_try(
	    &opt, &run, len > 2 && text[2] == 'm', len > 3 && text[3] == 'p');
	survey_drop(&run);
	archive_shuffle(data, size);
	slow_survey(&opt);
	changing = true;
	run_once(&run, &opt);
	if (slow.complete) {
		print(report_json, &opt, &run.survey, &sheet);
		MUST(strcmp(document.text, sheet.text) == 0);
	}
	survey_drop(&run);
	opt.channels = NULL;
	options_free(&opt);
	return 0;
}

FUZZ_END
