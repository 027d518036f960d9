/*
 * Fuzzes the listing of an hour: the input is a directory, a name a line with
 * a digit before it for the kind of file. The kernel is played by the
 * functions below; each listing is checked against a plain count.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../segparse.h"

#define NAMES_MAX 512
#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

int LLVMFuzzerTestOneInput(const unsigned char *, size_t);

static struct {
	char name[256];
	unsigned char type;
} files[NAMES_MAX];
static size_t filesz, at;

ssize_t
getdents64(int fd, void *buf, size_t size)
{
	struct dirent64 *d;
	size_t filled = 0, len;

	(void)fd;
	for (; at < filesz; at++) {
		len = offsetof(struct dirent64, d_name) +
		    strlen(files[at].name) + 1;
		len = (len + 7) / 8 * 8;
		/* a few records at a time, so that there are several reads */
		if (filled + len > size || filled > 2048)
			break;
		d = (void *)((char *)buf + filled);
		memset(d, 0, len);
		d->d_reclen = (unsigned short)len;
		d->d_type = files[at].type;
		memcpy(d->d_name, files[at].name, strlen(files[at].name));
		filled += len;
	}
	return (ssize_t)filled;
}

/* each listing is of a directory that is changing, and is done twice */
int
fstat(int fd, struct stat *st)
{
	static time_t now = 1000000;

	(void)fd;
	memset(st, 0, sizeof(*st));
	st->st_mtim.tv_sec = now++;
	return 0;
}

off_t
lseek(int fd, off_t offset, int whence)
{
	(void)fd;
	(void)whence;
	at = 0;
	return offset;
}

/* a link, or what gave no type: a directory, or it has gone, or no leave */
int
fstatat(int fd, const char *name, struct stat *st, int flags)
{
	static const int errors[] = {0, 0, ENOENT, EACCES};

	(void)fd;
	(void)flags;
	memset(st, 0, sizeof(*st));
	st->st_mode = name[strlen(name) - 4] & 8 ? S_IFREG : S_IFDIR;
	errno = errors[name[strlen(name) - 4] % 4];
	return errno == 0 ? 0 : -1;
}

static bool
is_named(const char *name)
{
	size_t i;

	for (i = 0; i < filesz; i++)
		if (strcmp(files[i].name, name) == 0)
			return true;
	return false;
}

/* a name stands once in a directory, without NUL and '/' */
static void
directory_read(const char *data, size_t size)
{
	static const unsigned char types[] = {DT_REG, DT_REG, DT_REG, DT_REG,
	    DT_REG, DT_DIR, DT_FIFO, DT_LNK, DT_UNKNOWN, DT_SOCK};
	char *rest = strndup(data, size), *line, *all = rest;
	size_t kind;

	CHECK(rest != NULL);
	filesz = at = 0;
	while (filesz < NAMES_MAX && (line = strsep(&rest, "\n/")) != NULL) {
		if (line[0] < '0' || line[0] > '9' || line[1] == '\0')
			continue;
		kind = (size_t)(*line++ - '0');
		if (strlen(line) > 255 || is_named(line))
			continue;
		memcpy(files[filesz].name, line, strlen(line) + 1);
		files[filesz++].type = types[kind];
	}
	free(all);
}

static void
listing_check(const struct listing *l)
{
	size_t i, segments = 0;
	const char *suffix;
	const struct segment *s;

	for (i = 0; i < filesz; i++) {
		suffix = strrchr(files[i].name, '.');
		segments += files[i].name[0] != '.' && suffix != NULL &&
		    strcmp(suffix, ".ts") == 0;
	}
	CHECK(l->segsz + l->bad + l->temp + l->tombstoned == segments);
	CHECK(
	    l->bad_namesz == (l->bad < BAD_NAMES_MAX ? l->bad : BAD_NAMES_MAX));
	for (i = 0; i < l->bad_namesz; i++)
		CHECK(is_named(l->bad_names[i]));
	for (i = 0; i < l->segsz; i++) {
		s = &l->segs[i];
		CHECK(is_named(l->buf + s->name));
		CHECK(s->offset < HOUR && s->duration <= DURATION_MAX);
		CHECK(s->type < SEGMENT_TYPES);
		if (i == 0)
			continue;
		CHECK(s[-1].offset <= s->offset);
		if (s[-1].offset == s->offset)
			CHECK(
			    strcmp(l->buf + s[-1].name, l->buf + s->name) < 0);
	}
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct listing l;

	directory_read((const char *)data, size);
	CHECK(hour_list(-1, &l) == 0);
	listing_check(&l);
	if (size % 8 == 0)
		listing_free(&l);
	return 0;
}
