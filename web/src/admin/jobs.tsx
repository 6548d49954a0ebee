import { useTranslation } from "react-i18next";
import { Records } from "./records";

interface Job { id: string; job_type: string; total: number; progress: number | null; status: string; message: string | null }

export default function Jobs() {
	const { t } = useTranslation();
	return <Records<Job> source={{
		path: "/api/v2/job_statuses", many: "job_statuses", one: "job_status", title: t("admin.jobs"), empty: t("jobs.empty"),
		columns: [{ words: t("jobs.what"), show: (j) => j.job_type || j.id }, { words: t("field.status"), show: (j) => t("jobs." + j.status, j.status), width: 120 },
			{ words: t("jobs.progress"), show: (j) => <progress max={j.total || 1} value={j.status === "completed" ? j.total || 1 : j.progress || 0} aria-label={t("jobs.progress")} />, width: 200 }, { words: t("jobs.says"), show: (j) => j.message || "", wide: true }],
	}} />;
}
