// usage: node tools.mjs TOOL < documents.jsonl > spans.jsonl
// Each line {"id","text"} gives {"id","spans"} in UTF-16 offsets turned to code points;
// the last line is {"seconds","bytes"}: CPU time in the tool alone, loading left out.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const require = createRequire(pathToFileURL(join(process.cwd(), "x.js")));
const load = async (name) => import(pathToFileURL(require.resolve(name)).href);

async function tool(name) {
	if (name === "redactpii") {
		const { Redactor } = await load("@redactpii/node");
		const mark = "\u0001";
		const r = new Redactor({ rules: { CREDIT_CARD: true, EMAIL: true, NAME: true, PHONE: true, SSN: true }, globalReplaceWith: mark });
		// It gives no offsets: what stands between the marks is found again in the text.
		return (text) => {
			const kept = r.redact(text).split(mark), spans = [];
			let at = kept[0].length;
			for (let i = 1; i < kept.length; i++) {
				const last = i === kept.length - 1;
				const next = last ? text.length - kept[i].length : kept[i] ? text.indexOf(kept[i], at + 1) : at + 1;
				if (next < at) break;
				spans.push({ start: at, end: next, label: "OTHERID" });
				at = next + kept[i].length;
			}
			return spans;
		};
	}
	if (name === "openredaction") {
		const { OpenRedaction } = await load("openredaction");
		const d = new OpenRedaction({});
		return async (text) => (await d.detect(text)).detections.map((x) => ({ start: x.position[0], end: x.position[1], label: x.type }));
	}
	if (name === "compromise") {
		const m = await load("compromise"), nlp = m.default;
		return (text) => {
			const doc = nlp(text), spans = [];
			for (const [view, label] of [[doc.people(), "NAME"], [doc.places(), "LOCATION"], [doc.match("#Date+"), "DATE"],
				[doc.emails(), "EMAIL"], [doc.phoneNumbers(), "PHONE"], [doc.urls(), "URL"]])
				for (const x of view.json({ offset: true }))
					if (x.offset) spans.push({ start: x.offset.start, end: x.offset.start + x.offset.length, label });
			return spans;
		};
	}
	throw new Error(name);
}

const run = await tool(process.argv[2]);
let spent = 0, bytes = 0;
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
	if (!line.trim()) continue;
	const doc = JSON.parse(line);
	const from = process.cpuUsage();
	const spans = await run(doc.text);
	const took = process.cpuUsage(from);
	spent += (took.user + took.system) / 1e6;
	bytes += Buffer.byteLength(doc.text);
	const points = [0];
	let k = 0;
	for (let i = 0; i < doc.text.length; i++) {
		const c = doc.text.charCodeAt(i);
		if (c < 0xdc00 || c > 0xdfff) k++;
		points[i + 1] = k;
	}
	console.log(JSON.stringify({ id: doc.id, spans: spans.filter((s) => s.start < s.end && s.start < doc.text.length)
		.map((s) => ({ start: points[s.start], end: points[Math.min(s.end, doc.text.length)], label: s.label })) }));
}
console.log(JSON.stringify({ seconds: spent, bytes }));
