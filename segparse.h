/*
 * segment-coverage: what is there and what is missing in an archive of a
 * live stream, BASE/CHANNEL/QUALITY/HOUR/TIME-DURATION-TYPE-HASH.ts
 *
 * This header is the map of the program. coverage.c has main() and calls the
 * other files; none of them calls back, knows a path, or prints to stderr but
 * that memory ran out.
 *
 *	segparse.c	names to segments and times, one hour directory listed
 *	coverage.c	options, the walk, the accounting, outputs, exit status
 *	render.c	what people look at: the map (PNG), the page (HTML)
 *	report.c	what is read: text, JSON, Prometheus metrics
 *
 * Instants and durations are int64_t microseconds, instants since the epoch
 * in UTC; they become seconds only where they are printed. Unless it says
 * otherwise an int function returns 0 for success and -1 with errno set; a
 * parser's -1 says that the text does not fit, and it sets no errno.
 */
#ifndef SEGPARSE_H
#define SEGPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* clang-format off */

/* limits */
#define PROGRAM		"segment-coverage"
#define VERSION		"1.0.0"
#define EXIT_TROUBLE	2
#define SECOND		INT64_C(1000000)
#define MINUTE		(60 * SECOND)
#define HOUR		(3600 * SECOND)
#define DAY		(24 * HOUR)
#define TIME_NONE	INT64_MIN	/* no such instant */
#define DURATION_MAX	HOUR		/* a longer segment is a bad name */
#define BAD_NAMES_MAX	100		/* bad names kept of an hour */
#define LISTED_MAX	10		/* holes, or errors, listed in text */
#define MAP_HOURS_MAX	10922		/* no browser draws a wider map */
#define TIME_SIZE	48		/* holds any instant or hour as text */
#define REPLACEMENT	"\xef\xbf\xbd"	/* U+FFFD, for what is no UTF-8 */
#define LENGTH(array)	(sizeof(array) / sizeof((array)[0]))

/* types */
enum segment_type {
	SEGMENT_FULL,		/* complete */
	SEGMENT_SUSPECT,	/* looks complete, but may not be */
	SEGMENT_PARTIAL,	/* known to be incomplete */
	SEGMENT_TEMP,		/* being downloaded: counted, else ignored */
	SEGMENT_HIDDEN		/* segparse.c's own: it has a tombstone */
};
#define SEGMENT_TYPES	3		/* the first three take part */

struct segment {
	uint32_t offset;		/* start, us after that of its hour */
	uint32_t duration;		/* us, at most DURATION_MAX */
	uint32_t name;			/* offset in the listing's buf */
	enum segment_type type;
};

struct listing {			/* one hour directory; all owned */
	struct segment *segs;		/* by start; at one start by name */
	size_t segsz;
	const char **bad_names;		/* into buf, the first in byte order */
	size_t bad_namesz;		/* at most BAD_NAMES_MAX */
	size_t bad;
	size_t temp;
	size_t tombstoned;
	const char *failed;		/* into buf: a name stat failed on */
	int failed_errno;
	char *buf;			/* getdents64's records */
	size_t bufsz;
					/* hour_list()'s own, for reuse: */
	size_t bufcap;
	size_t segcap;
	size_t badcap;
	struct segment *spare;		/* what is sorted goes to and fro */
	size_t sparecap;
	const char **tombstones;	/* into buf, in byte order */
	size_t tombstonesz;
	size_t tombstonecap;
};

struct span {
	int64_t start;			/* us since the epoch */
	int64_t end;			/* us since the epoch, after start */
};

struct tally {
	size_t count;
	int64_t duration;		/* us */
};

struct counts {
	struct tally segments[SEGMENT_TYPES];
	struct tally overlaps[SEGMENT_TYPES];
	struct tally incomplete;	/* best segments, suspect or partial */
	size_t temp;
	size_t bad;
	size_t tombstoned;
};

struct share {				/* of an hour in its quality's coverage */
	int64_t covered;		/* us, by segments of this directory */
	size_t first;			/* index of its first hole there */
	size_t holesz;			/* how many of them touch the hour */
	int64_t hole_duration;		/* us, of what lies in the hour */
};

struct hour {				/* one hour directory */
	int64_t time;			/* us since the epoch, of its name */
	int64_t start;			/* of its first best segment, TIME_NONE */
	int64_t end;			/* furthest of a best one, TIME_NONE */
	struct counts counts;
	struct share raw;
	struct share editable;
	char **bad_names;		/* owned; NULL unless JSON wants them */
	size_t bad_namesz;
	bool readable;			/* else nothing is known of it */
};

struct coverage {
	int64_t covered;		/* us, each instant once */
	struct span *holes;		/* owned, by start, disjoint */
	size_t holesz;
	int64_t hole_duration;		/* us */
	int64_t began;			/* the first hole, be it before the
					   window, where it is cut */
};

struct report {				/* one quality of one channel */
	const char *channel;
	const char *quality;
	bool found;			/* its directory exists */
	bool readable;			/* and its hours could be listed */
	int64_t start;			/* of the first best segment, TIME_NONE */
	int64_t end;			/* furthest of a best one, TIME_NONE */
	struct span stream;		/* the same, with the hours around the
					   window; TIME_NONE twice for none */
	struct counts counts;
	struct coverage raw;		/* all best segments */
	struct coverage editable;	/* those that a cutter would join */
	struct span *incomplete;	/* owned; best segments that are suspect
					   or partial; joined within the
					   tolerance, cut at the window */
	size_t incompletesz;
	struct span *incomplete_exact;	/* owned; the map's: joined only where
					   they touch, and uncut */
	size_t incomplete_exactsz;
	struct span *missing;		/* owned; whole hours without any */
	size_t missingsz;
	struct hour *hours;		/* owned; the window's directories, or
					   where nothing shows them those of
					   them that are not readable */
	size_t hoursz;
};

struct trouble {			/* what makes the exit status 2 */
	char *path;			/* owned; or what else it is about */
	char *message;			/* owned */
};

struct survey {				/* all that one run found */
	struct report *reports;		/* owned; channels, then qualities */
	size_t reportsz;
	struct trouble *errors;		/* owned */
	size_t errorsz;
	bool complete;			/* nothing was left unread */
	int64_t elapsed;		/* us that the run has taken */
};

struct node {				/* whose maps a page shows */
	char *name;			/* owned; NULL where the row had none */
	char *url;			/* owned; NULL where the row had none */
	const char *fault;		/* why it is left out, or NULL */
};

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_NONE };

struct options {			/* filled once, const from then on */
	char **channels;		/* of argv, as all strings here are
					   that are not said to be owned */
	size_t channelsz;
	char **qualities;		/* owned, and each of them */
	size_t qualitiesz;
	const char *base_dir;
	const char *output_dir;		/* relative to base_dir */
	const char *report;		/* NULL: stdout */
	const char *metrics;		/* NULL: none */
	char *dsn;			/* owned; NULL: libpq's environment */
	struct node *nodes;		/* of --node; none: ask the database */
	size_t nodesz;
	enum format format;
	int64_t now;			/* us since the epoch */
	int64_t first_hour;		/* us since the epoch, or TIME_NONE */
	int64_t last_hour;		/* likewise; it is in the window */
	int64_t tolerance;		/* us */
	int64_t settle;			/* us */
	int64_t max_age;		/* us, -1: any */
	size_t metrics_hours;
	unsigned jobs;
	bool all_hours;
	bool check;
	bool make_map;
	bool make_page;
	bool verbose;
	bool colour;			/* the text goes to a colour terminal */
	bool utf8;			/* the locale is a UTF-8 one */
};

/* segparse.c */
int	 segment_parse(const char *name, size_t len, struct segment *seg);
int	 seconds_parse(const char *s, size_t len, int64_t max, int64_t *us);
int	 hour_parse(const char *name, int64_t *t);
int	 time_parse(const char *s, int64_t *t, bool *date_only);
void	 time_format(char buf[TIME_SIZE], int64_t t);
void	 hour_format(char buf[TIME_SIZE], int64_t t);
void	 seconds_format(char buf[TIME_SIZE], int64_t us);
bool	 span_cut(struct span *span, int64_t from, int64_t to);
void	*array_room(void *array, size_t *cap, size_t n, size_t size);
int	 hour_list(int fd, struct listing *l);
void	 listing_free(struct listing *l);
long	 utf8_next(const char **s);
size_t	 utf8_length(const char *s);
char	*name_printable(const char *name, bool utf8);

/* render.c */
bool	 map_range(const struct options *opt, const struct report *report,
	    struct span *range);
int	 render_map(FILE *fp, const struct options *opt,
	    const struct report *report);
int	 render_page(FILE *fp, const struct options *opt,
	    const struct report *report, const struct node *nodes,
	    size_t nodesz);
const char *node_fault(const struct node *node);
int	 nodes_fetch(const char *dsn, struct node **nodes, size_t *nodesz,
	    char *message, size_t size);
void	 nodes_free(struct node *nodes, size_t nodesz);

/* report.c */
bool	 ended_before(const struct options *opt, const struct report *report);
bool	 end_known(const struct report *report, int64_t end);
size_t	 holes_longest(const struct coverage *c,
	    const struct span *top[LISTED_MAX]);
int	 report_text(FILE *fp, const struct options *opt,
	    const struct survey *survey);
int	 report_json(FILE *fp, const struct options *opt,
	    const struct survey *survey);
int	 report_metrics(FILE *fp, const struct options *opt,
	    const struct survey *survey);

#endif
