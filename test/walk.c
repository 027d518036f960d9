/*
 * SPDX-License-Identifier: MIT
 *
 * What it costs to name the files of a tree, and nothing else: the measure
 * that "make bench" holds the program against. One thread, getdents64 with
 * the buffer that libc gives it, and no stat.
 */
#include <sys/syscall.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct entry { /* as the kernel lays it out */
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static size_t names;

static void
walk(int at, const char *path)
{
	_Alignas(struct entry) char buf[32768];
	struct entry *e;
	long i, n;
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		err(2, "%s", path);
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (i = 0; i < n; i += e->reclen) {
			e = (struct entry *)(void *)(buf + i);
			if (strcmp(e->name, ".") == 0 ||
			    strcmp(e->name, "..") == 0)
				continue;
			names++;
			if (e->type == DT_DIR)
				walk(fd, e->name);
		}
	}
	if (n == -1)
		err(2, "%s", path);
	close(fd);
}

int
main(int argc, char *argv[])
{
	if (argc != 2) {
		fputs("usage: walk DIR\n", stderr);
		return 2;
	}
	walk(AT_FDCWD, argv[1]);
	printf("%zu\n", names);
	return 0;
}
