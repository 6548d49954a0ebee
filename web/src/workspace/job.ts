import { get } from "../api";

// Waits for a job of the server; its progress can be watched meanwhile.
export async function waitFor(id: string, progress?: (done: number, total: number) => void) {
	for (let pause = 150; ; pause = Math.min(pause * 1.5, 2000)) {
		const { job_status } = await get("/api/v2/job_statuses/" + id + ".json");
		progress?.(job_status.progress || 0, job_status.total || 0);
		if (["completed", "failed", "killed"].includes(job_status.status)) return job_status;
		await new Promise((r) => setTimeout(r, pause));
	}
}
