// Imports a package as somebody who depends on it does, and answers with what was found.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const asked = JSON.parse(fs.readFileSync(0, 'utf8'));
const { writeSync, realpathSync, mkdirSync, symlinkSync, readFileSync } = fs;
const { stringify } = JSON;
const leave = process.reallyExit.bind(process);
const answer = {};
const end = () => {
  writeSync(1, `\n${asked.word}${stringify(answer)}\n`);
  leave(0);
};

try {
  const root = realpathSync(asked.root);
  const folder = realpathSync(path.join(root, asked.path ?? '.'));
  const parts = asked.package.split('/');
  const name = parts.slice(0, asked.package.startsWith('@') ? 2 : 1).join('/');
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  if (manifest.name !== name) {
    throw new Error(`the package there is called ${stringify(manifest.name)}`);
  }
  answer.versions = manifest.version === undefined ? [] : [String(manifest.version)];
  const link = path.join(process.cwd(), 'node_modules', name);
  mkdirSync(path.dirname(link), { recursive: true });
  symlinkSync(folder, link, 'dir');

  const here = pathToFileURL(path.join(process.cwd(), 'check.mjs'));
  const require = createRequire(here);
  const missing = new Set();
  const look = (loaded) => {
    const at = Object(loaded);
    for (const each of asked.names) {
      if (!(each in at)) missing.add(each);
      else if (at[each] === undefined || at[each] === null) missing.add(`${each} (it is ${at[each]})`);
    }
    if (asked.nobody in at || at[asked.nobody] !== undefined) answer.answers_any = true;
  };
  const found = [];
  if (asked.load !== 'require') {
    found.push(fileURLToPath(import.meta.resolve(asked.package)));
    const loaded = await import(asked.package);
    if (Object.keys(loaded).length === 0) answer.hollow = 'exports nothing';
    look(loaded);
  }
  if (asked.load !== 'import') {
    found.push(require.resolve(asked.package));
    look(require(asked.package));
  }
  for (const place of found.map((place) => realpathSync(place))) {
    if (place.startsWith(root + path.sep)) answer.from = place.slice(root.length + 1);
    else answer.outside = place;
  }
  answer.missing = [...missing];
} catch (e) {
  answer.error = e instanceof Error ? `${e.code ?? e.name}: ${e.message}` : String(e);
}
end();
