"use strict";
/*
 * Counts ages on, loads maps and page again, and says what is where. The page
 * is whole without. Times are milliseconds, on the axis those since its start.
 */
const ROWS = 300, COLUMN = 600000, PIXEL = 2000;
const reload = document.body.dataset.reload * 1000;
const old = document.body.dataset.old * 1000;
const byId = (id) => document.getElementById(id);
const iso = (t) => new Date(t).toISOString();
const clock = (t) => iso(t).slice(11, 19);
let page; /* what the nodes' figures say */

function length(ms) {
	const s = Math.floor(Math.max(ms, 0) / 1000);
	const two = (n) => String(Math.floor(n)).padStart(2, "0");
	if (s < 60)
		return s + "s";
	if (s < 3600)
		return Math.floor(s / 60) + "m" + two(s % 60) + "s";
	if (s < 86400)
		return Math.floor(s / 3600) + "h" + two(s / 60 % 60) + "m";
	return Math.floor(s / 86400) + "d" + two(s / 3600 % 24) + "h";
}

/*
 * What the page says. A map is where the picture of a node is shown: its own
 * figure, and a layer of all of them together.
 */
function read() {
	const box = byId("maps"), together = byId("together");
	const spans = (text) => text ? text.split(" ").map((span) =>
		span.split(",").map(Number)) : [];
	const number = (text, other) => text === undefined ? other : Number(text);
	const layers = together ? [...together.querySelectorAll("image")] : [];
	const figures = [...document.querySelectorAll("figure")].map((figure) => {
		const data = figure.dataset;
		const placed = figure.classList.contains("placed");
		const link = figure.querySelector("a");
		return {
			figure, placed, url: link && link.href,
			name: figure.querySelector("h2").textContent,
			status: figure.querySelector(".status"),
			svg: figure.querySelector(".picture"),
			image: link && figure.querySelector("image, img"),
			layer: placed && layers.shift(),
			x: number(data.x, 0), columns: number(data.columns, 0),
			open: data.open === "1", made: data.made * 1000,
			start: number(data.start, Infinity),
			end: number(data.end, -Infinity),
			until: number(data.until, Infinity),
			holes: spans(data.holes), incomplete: spans(data.incomplete),
			unreadable: spans(data.unreadable), unknown: spans(data.unknown),
			coming: null, shown: 0,
		};
	});
	page = {
		box, figures, first: box ? box.dataset.first * 1000 : 0,
		columns: box ? Number(box.dataset.columns) : 0,
		together: figures.find((f) => f.figure === together),
		maps: figures.filter((f) => f.url),
		placed: figures.filter((f) => f.placed),
	};
}

/*
 * Loading maps
 */

/* A map of other hours is as wide as this one if its window rolls on with
   the clock: until the next report none is taken after the hour's end. */
const rolled = (map) => !map.open && Date.now() - map.made < old &&
	Math.floor(map.made / 3600000) < Math.floor(Date.now() / 3600000);

/* Hours may have come since the report, and the last one may hold nothing but
   the end of a segment. */
function fits(map, width) {
	const hours = Math.max(0, Math.ceil((Date.now() - map.made) / 3600000));
	const more = (width - map.columns) / 6;
	return more === 0 || (Number.isInteger(more) && more <= hours &&
		more >= (map.open ? -1 : 0));
}

function arrive(map, picture, whole) {
	if (map.coming !== picture)
		return;
	map.coming = null;
	if (!whole) {
		map.status.textContent = "could not be loaded at " +
			clock(Date.now()) +
			(map.shown ? ", shown as of " + clock(map.shown) : "");
		map.figure.classList.toggle("gone", !map.shown);
	} else if (map.placed && rolled(map)) {
		map.status.textContent = "the hour has turned: its map waits " +
			"for its report" +
			(map.shown ? ", shown as of " + clock(map.shown) : "");
		map.figure.classList.toggle("gone", !map.shown);
	} else {
		const moved = map.placed && !fits(map, picture.naturalWidth);
		map.shown = Date.now();
		map.figure.classList.remove("gone");
		map.figure.classList.toggle("moved", moved);
		map.status.textContent = moved ? "its map shows other hours" : "";
		show(map, picture.src, moved);
	}
	say();
}

function show(map, url, moved) {
	map.source = url;
	if (!map.placed) {
		map.image.src = url;
		return;
	}
	map.image.setAttribute("x", moved ? 0 : map.x);
	map.image.setAttribute("href", url);
	if (map.layer) {
		map.layer.setAttribute("href", url);
		map.layer.toggleAttribute("hidden", moved);
	}
}

function ask(map, first) {
	const picture = new Image();
	if (map.coming)
		arrive(map, map.coming, false);
	map.coming = picture;
	picture.onload = () => arrive(map, picture, true);
	picture.onerror = () => arrive(map, picture, false);
	picture.src = map.url + (first ? "" : "?" + Date.now());
}

/* Says which maps the picture of all together is made of. */
function say() {
	if (!page.together)
		return;
	const counts = (map) => map.shown && !map.figure.matches(".moved");
	const out = page.placed.filter((map) => !counts(map) && !map.coming);
	page.together.status.textContent = out.length ?
		"without " + out.map((map) => map.name).join(", ") : "";
	page.together.figure.classList.toggle("gone",
		out.length === page.placed.length);
}

/*
 * Time goes on
 */

function tick() {
	const now = Date.now();
	for (const time of document.querySelectorAll("time[data-age]")) {
		const age = now - Date.parse(time.dateTime);
		time.textContent = length(age) + time.dataset.age;
		const report = time.closest(".report");
		if (report)
			report.classList.toggle("bad", age > old);
	}
	for (const map of page.figures.filter((f) => f.svg))
		draw(map, now - page.first,
			now - map.made > old ? map.made - page.first : now - page.first);
}

/* Hatches what is not reported yet, and draws the line of now. */
function draw(map, now, from) {
	const height = map.svg.height.baseVal.value - 30, width = page.columns;
	const x = Math.floor(Math.max(from, 0) / COLUMN);
	const y = Math.floor(Math.max(from, 0) % COLUMN / PIXEL * height / ROWS);
	map.svg.querySelector(".hatch").setAttribute("d", x >= width ? "" :
		`M${x} ${y}h1V0H${width}V${height}H${x}z`);
	const line = Math.floor(now / COLUMN);
	map.svg.querySelector(".now").setAttribute("d",
		line < 0 || line >= width ? "" : `M${line}.5 0V${height}`);
}

/*
 * What is where
 */

const find = (spans, from, to) => {
	let low = 0, high = spans.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (spans[middle][1] > from)
			high = middle;
		else
			low = middle + 1;
	}
	return low < spans.length && spans[low][0] < to ? spans[low] : null;
};

/* What a node has of a pixel, and whether it has it, lacks it, or neither. */
function state(map, from, to) {
	const span = (what, [a, b]) => `${what} ${clock(page.first + a)} to ` +
		`${clock(page.first + b)}, ${length(b - a)}`;
	const hole = find(map.holes, from, to);
	if (from >= map.until)
		return {text: "see its report"};
	if (find(map.unreadable, from, to))
		return {text: "could not be read"};
	if (hole)
		return {text: span("hole", hole), lacks: true};
	if (to > map.start && from < map.end)
		return {has: true, text: find(map.incomplete, from, to) ?
			"suspect or partial segments" : "covered"};
	if (from >= Date.now() - page.first)
		return {text: "not yet"};
	if (from >= Math.min(map.made, Date.now()) - 60000 - page.first)
		return {text: "not reported yet"};
	return {text: "no segments", lacks: true};
}

function describe(map, from) {
	const to = from + PIXEL;
	const others = page.placed.filter((other) => other !== map &&
		state(other, from, to).has).map((other) => other.name);
	const have = (others.length > 3 ? others.length + " nodes have" :
		others.join(" and ") + (others.length > 1 ? " have" : " has")) + " it";
	if (map !== page.together) {
		const here = state(map, from, to);
		return here.text + (here.lacks ? "; " +
			(others.length ? have : "no node has it") : "");
	}
	const hole = find(map.holes, from, to);
	if (hole)
		return `no node has it: ${clock(page.first + hole[0])} to ` +
			`${clock(page.first + hole[1])}, ${length(hole[1] - hole[0])}`;
	if (others.length)
		return have;
	return from >= Date.now() - page.first ? "not yet" : "unknown";
}

let at = null; /* the place of the cursor: {name, time} */

function point(map, time, scroll) {
	const cursor = byId("cursor"), x = Math.floor(time / COLUMN);
	at = {name: map.name, time};
	byId("there").textContent = `${map.name}, ` +
		`${iso(page.first + time).slice(0, 19)}Z: ${describe(map, time)}`;
	cursor.hidden = false;
	cursor.style.left = x + 2 + "px";
	if (scroll)
		page.box.scrollLeft = x - page.box.clientWidth / 2;
}

function pointed(map, event) {
	const area = map.svg.getBoundingClientRect();
	const x = Math.floor(event.clientX - area.left);
	const y = Math.floor((event.clientY - area.top - 30) /
		(area.height - 30) * ROWS);
	if (x < 0 || x >= page.columns || y < 0 || y >= ROWS)
		return false;
	point(map, x * COLUMN + y * PIXEL, false);
	return true;
}

/* Goes to the next hole, or the previous one, of the map pointed at last. */
function go(step) {
	const map = page.figures.find((f) => at && f.name === at.name && f.svg) ||
		page.together || page.placed[0];
	if (!map)
		return;
	const time = at && at.name === map.name ? at.time : Infinity;
	const hole = step > 0 ?
		map.holes.find((span) => span[0] >= time + PIXEL) || map.holes[0] :
		map.holes.findLast((span) => span[0] < time) || map.holes.at(-1);
	if (hole)
		point(map, Math.floor(hole[0] / PIXEL) * PIXEL, true);
	else
		byId("there").textContent = `${map.name}: no holes`;
}

/*
 * The page is made again
 */

/* Takes over a page that was made since, keeping what is shown. */
async function renew() {
	const answer = await fetch(location.href, {cache: "no-store"});
	const next = new DOMParser().parseFromString(
		answer.ok ? await answer.text() : "", "text/html");
	const script = (of) => of.querySelector("script").textContent;
	if (!next.querySelector("main") || !next.querySelector("script"))
		return;
	if (script(next) !== script(document)) {
		location.reload();
		return;
	}
	const before = page, left = page.box && page.box.scrollLeft;
	for (const part of ["title", "header", "main", "footer"])
		document.querySelector(part).replaceWith(
			document.adoptNode(next.querySelector(part)));
	read();
	for (const map of page.maps) {
		const was = before.maps.find((other) => other.url === map.url);
		if (was && was.shown && was.placed === map.placed && !rolled(map)) {
			map.shown = was.shown;
			show(map, was.source, was.figure.matches(".moved"));
		}
	}
	start();
	if (page.box)
		page.box.scrollLeft = left;
}

function start() {
	for (const map of page.figures.filter((f) => f.svg)) {
		map.svg.onpointermove = (event) => pointed(map, event);
		map.svg.onclick = (event) => {
			if (pointed(map, event) && event.pointerType === "touch")
				event.preventDefault();
		};
	}
	byId("pause").onclick = () => {
		const paused = byId("pause").getAttribute("aria-pressed") !== "true";
		byId("pause").setAttribute("aria-pressed", paused);
		if (!paused)
			again();
	};
	byId("asked").textContent = clock(Date.now());
	byId("loading").hidden = page.maps.length === 0;
	byId("bar").hidden = page.placed.length === 0;
	tick();
	say();
}

async function again() {
	if (location.protocol !== "file:")
		await renew().catch(() => {});
	byId("asked").textContent = clock(Date.now());
	page.maps.forEach((map) => ask(map, false));
}

read();
start();
page.maps.forEach((map) => ask(map, true));
if (page.box)
	page.box.scrollLeft = (Date.now() - page.first) / COLUMN -
		page.box.clientWidth * .8;
byId("next").onclick = () => go(1);
byId("previous").onclick = () => go(-1);
document.onkeydown = (event) => {
	if (event.ctrlKey || event.altKey || event.metaKey)
		return;
	if (event.key === "n" || event.key === "p")
		go(event.key === "n" ? 1 : -1);
};
setInterval(tick, 1000);
setInterval(() => {
	if (byId("pause").getAttribute("aria-pressed") !== "true")
		again();
}, reload);
