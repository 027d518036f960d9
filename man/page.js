/* SPDX-License-Identifier: MIT */
/* Counts ages on, loads maps and page again, and says what is where; without
   it the page is whole, too. Times are milliseconds since the axis' start. */
"use strict";
const ROWS = 300, AXIS = 30, HOUR = 3600000, COLUMN = HOUR / 6, PIXEL = 2000;
const OLD = 15 * 60000; /* an older report says nothing of now */
const byId = (id) => document.getElementById(id);
const clock = (t) => new Date(t).toISOString().slice(11, 19);
let page; /* what the figures say */
let at = null; /* what the cursor is on: {name, time} */

function length(ms) {
	const s = Math.floor(Math.max(ms, 0) / 1000);
	const two = (n) => String(Math.floor(n)).padStart(2, "0");
	return s < 60 ? s + "s" :
		s < 3600 ? Math.floor(s / 60) + "m" + two(s % 60) + "s" :
		s < 86400 ? Math.floor(s / 3600) + "h" + two(s / 60 % 60) + "m" :
		Math.floor(s / 86400) + "d" + two(s / 3600 % 24) + "h";
}

function read() {
	const box = byId("maps"), first = box.dataset.first * 1000;
	const layers = [...document.querySelectorAll("#together image")];
	const spans = (text) => text ? text.split(" ").map((span) =>
		span.split(",").map(Number)) : [];
	const figures = [...document.querySelectorAll("figure")].map((figure) => {
		const data = figure.dataset, link = figure.querySelector("a");
		const placed = figure.matches(".placed");
		return {
			figure, placed, url: link && link.href,
			name: figure.querySelector("h2").textContent,
			status: figure.querySelector(".status"),
			svg: figure.querySelector(".picture"),
			image: figure.querySelector("image, img"),
			layer: placed && layers.shift(),
			x: data.x, columns: data.columns, open: data.open,
			made: data.made * 1000 - first,
			start: Number(data.start), end: Number(data.end),
			holes: spans(data.holes), unreadable: spans(data.unreadable),
			incomplete: spans(data.incomplete),
			until: Math.min(data.holesUntil || Infinity,
				data.incompleteUntil || Infinity,
				data.unreadableUntil || Infinity),
			coming: null, shown: 0,
		};
	});
	page = {
		box, first, columns: Number(box.dataset.columns),
		together: figures.find((map) => map.figure.id === "together"),
		pictures: figures.filter((map) => map.svg),
		placed: figures.filter((map) => map.placed),
		maps: figures.filter((map) => map.url),
	};
}

const now = () => Date.now() - page.first;

/* A window that rolls on with the clock gives a map of other hours that is as
   wide: when the hour has turned none is taken until the next report. */
const rolled = (map) => map.placed && !map.open && now() - map.made < OLD &&
	Math.floor((map.made + page.first) / HOUR) <
	Math.floor(Date.now() / HOUR);

/* Hours may have come since the report, and the last hour of the report may
   hold nothing but the end of a segment. */
function fits(map, width) {
	const more = (width - map.columns) / 6;
	return more === 0 || (Number.isInteger(more) &&
		more >= (map.open ? -1 : 0) &&
		more <= Math.max(0, Math.ceil((now() - map.made) / HOUR)));
}

function arrive(map, picture, loaded) {
	if (map.coming !== picture)
		return;
	map.coming = null;
	if (!loaded || rolled(map)) {
		map.status.textContent = (loaded ?
			"the hour has turned: its map waits for its report" :
			"could not be loaded at " + clock(Date.now())) +
			(map.shown ? ", shown as of " + clock(map.shown) : "");
		map.figure.classList.toggle("gone", !map.shown);
	} else
		show(map, picture.src, Date.now(),
			map.placed && !fits(map, picture.naturalWidth));
	say();
}

function show(map, url, time, moved) {
	Object.assign(map, {shown: time, source: url, moved});
	map.figure.classList.remove("gone");
	map.figure.classList.toggle("moved", moved);
	map.status.textContent = moved ? "its map shows other hours" : "";
	map.image.setAttribute(map.placed ? "href" : "src", url);
	if (map.placed)
		map.image.setAttribute("x", moved ? 0 : map.x);
	if (map.layer)
		map.layer.setAttribute("href", url);
}

function ask(map, url) {
	const picture = new Image();
	if (map.coming)
		arrive(map, map.coming, false); /* too late */
	map.coming = picture;
	picture.onload = () => arrive(map, picture, true);
	picture.onerror = () => arrive(map, picture, false);
	picture.src = url;
}

/* Takes out of all together what is not known to be right, and says so. */
function say() {
	const out = page.placed.filter((map) => !map.shown || map.moved);
	if (!page.together)
		return;
	out.forEach((map) => map.layer.setAttribute("visibility", "hidden"));
	page.placed.filter((map) => !out.includes(map)).forEach((map) =>
		map.layer.removeAttribute("visibility"));
	page.together.status.textContent = out.every((map) => map.coming) ? "" :
		"without " + out.map((map) => map.name).join(", ");
	page.together.figure.classList.toggle("gone",
		out.length === page.placed.length);
}

function tick() {
	for (const time of document.querySelectorAll("time[data-age]")) {
		const age = Date.now() - Date.parse(time.dateTime);
		const report = time.closest(".report");
		time.textContent = length(age) + time.dataset.age;
		if (report)
			report.classList.toggle("bad", age > OLD);
	}
	for (const map of page.pictures)
		draw(map, now() - map.made > OLD ? map.made : now());
}

/* Hatches what is not reported, and draws the line of now. */
function draw(map, from) {
	const height = map.svg.height.baseVal.value - AXIS, width = page.columns;
	const x = Math.floor(Math.max(from, 0) / COLUMN);
	const y = Math.floor(Math.max(from, 0) % COLUMN / PIXEL * height / ROWS);
	const line = Math.floor(now() / COLUMN);
	map.svg.querySelector(".hatch").setAttribute("d", x >= width ? "" :
		`M${x} ${y}h1V0H${width}V${height}H${x}z`);
	map.svg.querySelector(".now").setAttribute("d",
		line < 0 || line >= width ? "" : `M${line}.5 0V${height}`);
}

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
const span = ([from, to]) => `${clock(page.first + from)} to ` +
	`${clock(page.first + to)}, ${length(to - from)}`;

/* What a node has of a pixel, and whether it has it, lacks it, or neither. */
function state(map, from, to) {
	const hole = find(map.holes, from, to);
	if (from >= map.until)
		return {text: "see its report"};
	if (find(map.unreadable, from, to))
		return {text: "could not be read"};
	if (hole)
		return {text: "hole " + span(hole), lacks: true};
	if (to > map.start && from < map.end)
		return {has: true, text: find(map.incomplete, from, to) ?
			"suspect or partial segments" : "covered"};
	if (from >= Math.min(map.made, now()) - 60000)
		return {text: "not reported yet"};
	return {text: "no segments", lacks: true};
}

function describe(map, from) {
	const to = from + PIXEL, here = state(map, from, to);
	const others = page.placed.filter((other) => other !== map &&
		state(other, from, to).has).map((other) => other.name);
	const have = others.length === 0 ? "no node has it" :
		others.length > 3 ? others.length + " nodes have it" :
		others.join(", ").replace(/, ([^,]*)$/, " and $1") +
		(others.length > 1 ? " have it" : " has it");
	if (map !== page.together)
		return here.text + (here.lacks ? "; " + have : "");
	if (here.lacks && find(map.holes, from, to))
		return have + ": " + span(find(map.holes, from, to));
	return others.length ? have : from >= now() ? "not yet" : "unknown";
}

function point(map, time, scroll) {
	const x = Math.floor(time / COLUMN);
	at = {name: map.name, time};
	byId("there").textContent = map.name + ", " +
		new Date(page.first + time).toISOString().slice(0, 19) + "Z: " +
		describe(map, time);
	byId("cursor").hidden = false;
	byId("cursor").style.left = x + 2 + "px";
	if (scroll)
		page.box.scrollLeft = x - page.box.clientWidth / 2;
}

function pointed(map, event) {
	const area = map.svg.getBoundingClientRect();
	const x = Math.floor(event.clientX - area.left);
	const y = Math.floor((event.clientY - area.top - AXIS) /
		(area.height - AXIS) * ROWS);
	const there = x >= 0 && x < page.columns && y >= 0 && y < ROWS;
	if (there && !map.moved)
		point(map, x * COLUMN + y * PIXEL, false);
	return there && !map.moved;
}

/* Goes to the next hole, or the previous one, of the map pointed at last. */
function go(step) {
	const map = page.pictures.find((map) => at && map.name === at.name) ||
		page.pictures[0];
	const time = at && at.name === map.name ? at.time : Infinity;
	const hole = step > 0 ?
		map.holes.find(([from]) => from >= time + PIXEL) || map.holes[0] :
		map.holes.findLast(([from]) => from < time) || map.holes.at(-1);
	if (hole)
		point(map, Math.floor(hole[0] / PIXEL) * PIXEL, true);
	else
		byId("there").textContent = map.name + ": no holes";
}

/* Takes over what the page has become since, but for the maps shown. */
async function renew() {
	const answer = await fetch(location.href, {cache: "no-store"});
	const next = new DOMParser().parseFromString(
		answer.ok ? await answer.text() : "", "text/html");
	const script = (of) => of.querySelector("script").textContent;
	const before = page, left = page.box.scrollLeft;
	if (!next.querySelector("main") || !next.querySelector("script"))
		return;
	if (script(next) !== script(document))
		location.reload();
	for (const part of ["title", "header", "main", "footer"])
		document.querySelector(part).replaceWith(next.querySelector(part));
	read();
	for (const map of page.maps) {
		const was = before.maps.find((other) => other.url === map.url);
		if (was && was.shown && was.placed === map.placed &&
				was.x === map.x && was.columns === map.columns)
			show(map, was.source, was.shown, was.moved);
	}
	start();
	page.box.scrollLeft = left;
}

const paused = () => byId("pause").getAttribute("aria-pressed") === "true";

async function again() {
	if (paused())
		return;
	if (location.protocol !== "file:")
		await renew().catch(() => {});
	byId("asked").textContent = clock(Date.now());
	page.maps.forEach((map) => ask(map, map.url + "?" + Date.now()));
}

function start() {
	for (const map of page.pictures) {
		map.svg.onpointermove = (event) => pointed(map, event);
		map.svg.onclick = (event) => {
			if (pointed(map, event) && event.pointerType === "touch")
				event.preventDefault();
		};
	}
	byId("pause").onclick = () => {
		byId("pause").setAttribute("aria-pressed", !paused());
		again();
	};
	byId("asked").textContent = clock(Date.now());
	byId("loading").hidden = page.maps.length === 0;
	byId("bar").hidden = page.pictures.length === 0;
	tick();
}

read();
start();
page.maps.forEach((map) => ask(map, map.url));
page.box.scrollLeft = now() / COLUMN - page.box.clientWidth * .8;
byId("next").onclick = () => go(1);
byId("previous").onclick = () => go(-1);
document.onkeydown = (event) => {
	if (page.pictures.length > 0 && !event.ctrlKey && !event.altKey &&
			!event.metaKey && (event.key === "n" || event.key === "p"))
		go(event.key === "n" ? 1 : -1);
};
setInterval(tick, 1000);
setInterval(again, document.body.dataset.reload * 1000);
