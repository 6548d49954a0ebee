import "@zendeskgarden/css-bedrock/dist/index.css";
import "./base.css";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { startWords } from "./words";

startWords().then(() => createRoot(document.getElementById("root")!).render(<App />));
