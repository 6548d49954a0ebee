import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// What is built is embedded into the program, so names carry a hash of the
// content and nothing is inlined: the page's policy allows no inline script.
export default defineConfig({
	plugins: [react()],
	base: "/",
	build: {
		outDir: process.env.WARD_WEB_OUT || "dist",
		emptyOutDir: true,
		assetsDir: "assets",
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		target: "es2020",
		reportCompressedSize: true,
	},
	// `npm run dev` beside a running desk: the API is asked there.
	server: { proxy: { "/api": { target: "https://localhost:8443", secure: false, changeOrigin: true } } },
});
