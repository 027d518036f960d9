"use strict";
const {first, columns, reload} = document.body.dataset;
const pause = document.getElementById("pause");
const made = document.querySelector("main").outerHTML;
const utc = (date) =>
	date.toISOString().slice(0, 19).replace("T", " ") + " UTC";

const maps = Array.from(document.querySelectorAll("figure"), (figure) => ({
	figure,
	box: figure.querySelector(".map"),
	link: figure.querySelector("a"),
	image: figure.querySelector("img"),
	time: figure.querySelector(".time"),
	status: figure.querySelector(".status"),
	coming: null,
	shown: "",
}));

function arrive(map, image, whole) {
	const now = utc(new Date());
	if (map.coming !== image)
		return;
	map.coming = null;
	if (!whole) {
		map.status.textContent = "The map could not be loaded at " +
			now.slice(11) + (map.shown &&
			"; showing the one of " + map.shown) + ".";
		return;
	}
	if (map.image !== image)
		map.image.replaceWith(image);
	map.image = image;
	map.fits = image.naturalWidth == columns;
	map.figure.classList.toggle("other", !!columns && !map.fits);
	map.status.textContent = columns && !map.fits ?
		"This map shows other hours: it has no axis." : "";
	if (!columns && !map.shown && map.box.scrollLeft === 0)
		map.box.scrollLeft = map.box.scrollWidth;
	map.shown = now;
}

function expect(map, image) {
	map.coming = image;
	image.onload = () => arrive(map, image, true);
	image.onerror = () => arrive(map, image, false);
}

function ask(map) {
	const image = new Image();
	if (map.coming) {
		const late = map.coming;
		arrive(map, late, false);
		late.removeAttribute("src");
	}
	image.alt = map.image.alt;
	image.decoding = "sync";
	expect(map, image);
	image.src = map.link.href + "?" + Date.now();
}

function point(map, event) {
	const area = map.image.getBoundingClientRect();
	const x = Math.floor((event.clientX - area.left) /
		area.width * columns);
	const y = Math.floor((event.clientY - area.top) / area.height * 300);
	if (map.fits && x >= 0 && x < columns && y >= 0 && y < 300)
		map.time.textContent = utc(new Date(
			(Number(first) + x * 600 + y * 2) * 1000));
}

for (const map of maps) {
	map.link.onpointermove = (event) => point(map, event);
	map.link.onpointerleave = () => map.time.textContent = "";
	if (columns)
		map.box.scrollLeft = (Date.now() / 1000 - first) / 600 -
			map.box.clientWidth * .8;
	expect(map, map.image);
	if (map.image.complete)
		arrive(map, map.image, map.image.naturalWidth > 0);
}

/* A page of other nodes or hours takes the place of this one. */
async function renew() {
	const answer = await fetch(location.href, {cache: "no-store"});
	const page = new DOMParser().parseFromString(
		answer.ok ? await answer.text() : "", "text/html");
	const main = page.querySelector("main");
	if (!main)
		return;
	if (page.body.dataset.first !== first ||
			page.body.dataset.columns !== columns ||
			main.outerHTML !== made)
		location.reload();
	document.querySelector("time").replaceWith(page.querySelector("time"));
}

function askAll() {
	document.getElementById("asked").textContent =
		utc(new Date()).slice(11);
	maps.forEach(ask);
	if (location.protocol !== "file:")
		renew().catch(() => {});
}

pause.onclick = () => {
	const paused = pause.getAttribute("aria-pressed") !== "true";
	pause.setAttribute("aria-pressed", paused);
	if (!paused)
		askAll();
};
setInterval(() => {
	if (pause.getAttribute("aria-pressed") !== "true")
		askAll();
}, reload * 1000);
document.getElementById("asked").textContent = utc(new Date()).slice(11);
document.getElementById("reloading").hidden = maps.length === 0;
