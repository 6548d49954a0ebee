import "@zendeskgarden/css-bedrock/dist/index.css";
import "./base.css";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { keepFocus } from "./ui/focus";
import { hush } from "./ui/marked";
import { startWords } from "./words";

keepFocus();
hush();
startWords().then(() => createRoot(document.getElementById("root")!).render(<App />));
