/*
 * SPDX-License-Identifier: MIT
 *
 * segment-coverage: what is there and what is missing in an archive of a
 * live stream, BASE/CHANNEL/QUALITY/HOUR/TIME-DURATION-TYPE-HASH.ts
 *
 * This header is the map of the program. coverage.c has main() and calls the
 * other files. They neither call back, nor print to stderr on their own account
 * or end the program, except when memory runs out.
 *
 *	segparse.c	the disk: names, an hour directory, a peer's report
 *	coverage.c	the program: options, walk, accounting, output files
 *	report.c	what is read: text, JSON, metrics, --check, the fleet
 *	render.c	what is looked at: map (PNG), page (HTML), its nodes
 *
 * Instants and durations are int64_t microseconds; instants count from the
 * epoch in UTC. They become seconds only when printed. Unless stated otherwise
 * an int function returns 0, or -1 with errno; a parser's -1 sets no errno.
 */
#ifndef SEGPARSE_H
#define SEGPARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* clang-format off */

#define PROGRAM		"segment-coverage"
#define VERSION		"2.0.0"
#define EXIT_TROUBLE	2
#define SECOND		INT64_C(1000000)
#define MINUTE		(60 * SECOND)
#define HOUR		(3600 * SECOND)
#define DAY		(24 * HOUR)
#define TIME_NONE	INT64_MIN	/* no such instant */
#define DURATION_MAX	HOUR		/* a longer segment is a bad name */
#define AHEAD		MINUTE		/* a later start is ahead of now */
#define MAP_HOURS_MAX	10922		/* no browser draws a wider map */
#define TIME_SIZE	48		/* holds any instant or hour as text */
#define REPLACEMENT	"\xef\xbf\xbd"	/* U+FFFD, replaces invalid UTF-8 */
#define LENGTH(array)	(sizeof(array) / sizeof((array)[0]))

enum segment_type {
	SEGMENT_TOMBSTONE = -1,	/* hides what has its name */
	SEGMENT_FULL,		/* complete */
	SEGMENT_SUSPECT,	/* looks complete, but may not be */
	SEGMENT_PARTIAL,	/* known to be incomplete */
	SEGMENT_TEMP,		/* being downloaded: only counted */
	SEGMENT_BAD		/* only called like a segment: likewise */
};
#define SEGMENT_TYPES	3	/* from SEGMENT_FULL on: they take part */
struct segment {
	uint32_t offset, duration; /* start, after that of its hour */
	uint32_t name;		/* where it is while the hour is read */
	enum segment_type type;
};
struct span { int64_t start, end; };
struct spans { struct span *v; size_t n, cap; }; /* owned; by start, disjoint */
struct names { char **v; size_t n, cap; }; /* owned, and each of them */
struct tally { size_t count; int64_t duration; };
struct counts {
	struct tally segments[SEGMENT_TYPES], overlaps[SEGMENT_TYPES];
	struct tally incomplete; /* best segments, suspect or partial */
	size_t temp, bad, tombstoned;
	size_t ahead, empty;	/* start AHEAD after now; bad by --sizes */
};
struct hour {			/* one hour directory */
	int64_t time, start, end; /* of its name; best segments or TIME_NONE */
	struct counts counts;
	int64_t raw, editable;	/* that its segments cover */
	struct names bad_names;	/* the first; only for JSON and -v */
	bool readable;		/* otherwise nothing is known of it */
};
struct reading {		/* an hour directory as hour_read() found it */
	struct hour hour;
	struct segment *best;	/* owned; by start, one for each start */
	size_t bestsz;
	char *failed;		/* owned; a name that stat failed on, or NULL */
	int failed_errno, error; /* of that; of the hour; 0 if all is well */
	int64_t changed;	/* mtime of the directory */
};
/* each instant once; holes are cut at the window */
struct coverage { int64_t covered, hole_duration; struct spans holes; };

/* of a quality: its channel is missing; does not exist; exists, but could not
   be listed; was listed */
enum state { STATE_UNKNOWN, STATE_ABSENT, STATE_UNREADABLE, STATE_READ };
struct report {			/* one quality of one channel */
	const char *channel, *quality;
	enum state state;
	int64_t start, end;	/* of the best segments, or TIME_NONE */
	struct span stream;	/* with the nearest hours outside the window */
	struct span extent;	/* and with unreadable hours; or TIME_NONE */
	int64_t newest;		/* end of all there is, or TIME_NONE */
	struct counts counts;
	struct coverage raw, editable; /* all; those that a cutter would join */
	struct spans incomplete; /* best ones, not cut; joined if they touch */
	struct spans missing, unreadable; /* whole hours */
	struct spans known;	/* what --known accepts as lost */
	struct hour *hours;	/* owned; the window's directories */
	size_t hoursz;
	const struct names *siblings; /* directories of the channel */
	struct fleet *fleet;	/* owned; NULL without peers */
};
struct trouble { char *path, *message; }; /* owned; makes the status 2 */
/* whose maps a page shows, unless it has a fault; owned but for that */
struct node { char *name, *url; const char *fault; };
struct peer {			/* a report of another node, from a file */
	const char *name, *file; /* of argv */
	const char *text;	/* the file's, while it is read */
	char *message;		/* owned; why it cannot be used, or NULL */
	int64_t generated_at, tolerance; /* the first may be TIME_NONE */
	struct span window;	/* INT64_MIN, INT64_MAX where open */
	struct report *reports;	/* owned; channel and quality owned, too */
	size_t reportsz;
};
enum gap_state {		/* what the fleet says of time */
	GAP_LOST,		/* no node has it, and all have spoken */
	GAP_ELSEWHERE,		/* this node lacks it, a peer has it */
	GAP_BETTER,		/* incomplete here, complete at a peer */
	GAP_UNKNOWN,		/* no node has it, but not all have spoken */
	GAP_STATES
};
/* time that is not whole, and who has it, from `first` on in fleet->having */
struct gap { struct span span; enum gap_state state; size_t first, havingsz; };
struct fleet_node {		/* what one node says of one quality */
	const char *name;
	const struct report *report; /* NULL: nothing, all is unknown */
	struct span window;	/* INT64_MIN, INT64_MAX where open */
	int64_t generated_at;	/* of its report; TIME_NONE if there is none */
	int64_t horizon, tolerance; /* beyond the first some may still come */
	struct coverage coverage; /* of the fleet's range, where it speaks */
	int64_t has;		/* of what nodes[0], this one, lacks */
	int64_t elsewhere;	/* what it lacks and any other has */
};
struct fleet {			/* one quality on all nodes */
	bool here;		/* nodes[0] is this node, else none is */
	struct span range;	/* TIME_NONE twice: no node has a segment */
	struct coverage together; /* its holes are lost */
	struct gap *gaps;	/* owned; by start, disjoint */
	size_t *having;		/* owned; in nodes, the complete first */
	struct fleet_node *nodes; /* owned; this one, then as --peer is given */
	size_t gapsz, gapcap, havingsz, havingcap, nodesz;
	struct tally tallies[GAP_STATES];
};
struct survey {			/* all that one run found */
	struct report *reports;	/* owned; channels, then qualities */
	struct names *siblings;	/* owned; one a channel */
	struct peer *peers;	/* owned; as given */
	struct node *nodes;	/* owned */
	struct trouble *errors;	/* owned */
	size_t reportsz, peersz, nodesz, errorsz;
	struct names notes;	/* what the text says last, a line each */
	bool complete;		/* nothing was left unread */
	int64_t elapsed;	/* that the run has taken */
};
enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_HOLES, FORMAT_NONE };
struct options {		/* filled once, const from then on */
	char **channels;	/* of argv, like all strings not owned */
	size_t channelsz;
	struct names qualities;
	const char *name;	/* of this node */
	const char *base_dir, *output_dir; /* the second is in the first */
	const char *report, *metrics, *known_file; /* NULL: stdout; none */
	char *dsn;		/* owned; NULL: libpq's environment */
	struct node *nodes;	/* owned; of --node; none: ask the database */
	struct peer *peers;	/* owned; name and file only */
	size_t nodesz, peersz, metrics_hours;
	enum format format;
	int64_t now, expect;	/* expect may be TIME_NONE */
	struct span window;	/* whole hours; INT64_MIN, INT64_MAX: open */
	int64_t tolerance, settle, backfill, min_hole, max_age; /* -1: any */
	unsigned jobs;
	bool all_hours, check, sizes, verbose, make_map, make_page;
	bool map_asked, summary; /* by an option; of --check, on stdout */
	bool colour, utf8;	/* what the text may use */
};
/* writes results to a FILE; of one quality, or of all if report is NULL */
#define EMITTER(name) \
	int name(FILE *fp, const struct options *opt, \
	    const struct survey *survey, const struct report *report)

/* segparse.c */
int	 seconds_parse(const char *s, size_t len, int64_t max, int64_t *us);
int	 hour_parse(const char *name, int64_t *t);
int	 time_parse(const char *s, int64_t *t, bool *date_only);
void	 time_format(char buf[TIME_SIZE], int64_t t);
void	 hour_format(char buf[TIME_SIZE], int64_t t);
void	 seconds_format(char buf[TIME_SIZE], int64_t us);
void	 duration_format(char buf[TIME_SIZE], int64_t us);
void	 age_format(char buf[TIME_SIZE], int64_t us);
void	*need(void *allocated);
char	*compose(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char	*vcompose(const char *, va_list) __attribute__((format(printf, 1, 0)));
void	*array_room(void *array, size_t *cap, size_t n, size_t size);
bool	 span_cut(struct span *span, int64_t from, int64_t to);
void	 spans_add(struct spans *spans, int64_t start, int64_t end);
void	 spans_cover(struct spans *spans, int64_t start, int64_t end);
void	 spans_sort(struct spans *spans);
bool	 spans_join(const struct spans *, size_t *, int64_t, struct span *);
void	 names_add(struct names *names, char *name);
void	 names_free(struct names *names);
int	 directory_open(int dirfd, const char *name, int flags);
int	 directory_list(int fd, struct names *dirs, struct names *rest);
char	*file_read(const char *path, size_t max, size_t *size);
int	 write_all(int fd, const char *data, size_t size);
int	 file_replace(int dirfd, const char *name, const char *data, size_t);
void	 hour_read(const struct options *opt, int dirfd, int64_t time,
	    int64_t until, struct reading *r);
struct pool *pool_start(const struct options *, int, const int64_t *, size_t);
struct reading *pool_next(struct pool *pool); /* NULL: it has ended */
long	 utf8_next(const char **s);
size_t	 utf8_length(const char *s);
char	*name_printable(const char *name, bool utf8);
void	 peer_parse(struct peer *, size_t n, const char *text, size_t size);
int	 quality_compare(const void *report, const void *other);
const struct report *peer_report(const struct peer *, const struct report *);
void	 peers_free(struct peer *peers, size_t peersz);

/* report.c */
int64_t	 coverage_ratio(const struct coverage *c); /* millionths, or -1 */
EMITTER(report_text);
EMITTER(report_json);
EMITTER(report_holes);
EMITTER(report_metrics);
EMITTER(report_summary);
size_t	 report_check(
	    FILE *, const struct options *, const struct survey *, bool);
void	 fleet_make(const struct options *opt, struct survey *survey);
void	 fleet_free(struct fleet *fleet);

/* render.c */
EMITTER(render_map);
int64_t	 map_hours(const struct options *opt, const struct report *report);
EMITTER(render_page);
const char *node_fault(const struct node *node);
int	 nodes_fetch(const char *dsn, struct node **, size_t *, char *, size_t);
void	 nodes_free(struct node *nodes, size_t nodesz);
#endif
