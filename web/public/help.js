// The help centre's forms with script: fields come and go by the form's conditions, and what is typed where it should
// not be is said while one types. Without script the server does both, page by page.
"use strict";
(function () {
	const form = document.getElementById("subject").form, phi = document.getElementById("phi"), refresh = document.getElementById("refresh");
	const csrf = form.querySelector("input[name=csrf]");

	function valueOf(name) {
		const all = [...form.elements].filter((e) => e.name === name && !e.disabled);
		if (!all.length) return null;
		if (all[0].type === "checkbox") return all[0].checked;
		if (all[0].multiple) return [...all[0].selectedOptions].map((o) => o.value);
		return all[0].value;
	}
	function holds(name, want) {
		const have = valueOf(name);
		if (have === null) return false;
		if (Array.isArray(have)) return have.includes(want);
		if (typeof have === "boolean") return have === (want === true || want === "true");
		return have !== "" && String(have) === String(want);
	}
	function settle() {
		const fields = [...form.querySelectorAll(".field[data-when]")];
		for (let round = 0, again = true; again && round < 10; round++) {
			again = false;
			for (const box of fields) {
				const says = JSON.parse(box.dataset.when).filter(([name, want]) => holds(name, want));
				const shown = says.length > 0, must = shown && ("must" in box.dataset || says.some((s) => s[2]));
				if (box.hidden === !shown && box.dataset.asks === String(must)) continue;
				again = again || box.hidden === shown;
				box.hidden = !shown;
				box.dataset.asks = String(must);
				for (const e of box.querySelectorAll("input, select, textarea")) {
					e.disabled = !shown;
					if (e.type !== "hidden") e.required = must;
				}
				for (const e of box.querySelectorAll(".optional")) e.hidden = must;
			}
		}
	}
	form.addEventListener("change", settle);
	settle();
	if (refresh) refresh.hidden = true;

	// Who is not signed in is warned on sending, by the server.
	if (!csrf) return;
	const found = new Map(), waits = new Map();
	function tell() {
		const names = [...found.keys()].filter((e) => found.get(e) && !e.disabled).map((e) => e.labels[0].firstChild.textContent.trim());
		phi.hidden = names.length === 0;
		phi.textContent = names.length ? phi.dataset.found + " " + names.join(", ") + ". " + phi.dataset.where : "";
	}
	async function look(e) {
		const text = e.value;
		try {
			const r = await fetch("/api/ward/v1/phi/scan", { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf.value }, body: JSON.stringify({ text }) });
			if (!r.ok || e.value !== text) return;
			found.set(e, (await r.json()).findings.length > 0);
			tell();
		} catch (_) {
			// The server looks again when the form is sent.
		}
	}
	if (!phi.querySelector("input[name=sure]"))
		for (const e of form.querySelectorAll("[data-phi]"))
			e.addEventListener("input", () => {
				clearTimeout(waits.get(e));
				waits.set(e, setTimeout(() => look(e), 400));
			});
})();
