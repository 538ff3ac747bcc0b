// Install a wheel in Pyodide, run a Python program there, and print what its last expression is.
//     node in_pyodide.mjs FOLDER_OF_PYODIDE WHEEL PROGRAM SITE_PACKAGES
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, wheel, program, packages] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`).href);
const pyodide = await loadPyodide();
pyodide.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
pyodide.mountNodeFS("/packages", packages);
console.log(pyodide.runPython(readFileSync(program, "utf-8")));
