// What mail programs don't support of these HTML files: node caniemail.mjs PACKAGE FILE… prints [[file, feature, programs]].
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [, , folder, ...files] = process.argv;
const { caniemail, rawData } = await import(pathToFileURL(`${folder}/dist/index.js`));

// A program that was never tested for a feature stops the linter; here it is no finding.
const programs = new Set();
for (const { stats } of rawData.data)
  for (const [family, platforms] of Object.entries(stats))
    for (const platform of Object.keys(platforms)) programs.add(`${family}.${platform}`);
for (const { stats } of rawData.data)
  for (const program of programs) {
    const [family, platform] = program.split('.');
    stats[family] ??= {};
    stats[family][platform] ??= { untested: 'y' };
  }

const found = [];
for (const file of files) {
  const { issues } = caniemail({ clients: ['*'], html: readFileSync(file, 'utf8') });
  const features = new Map();
  for (const kind of [issues.errors, issues.warnings])
    for (const [program, list] of kind)
      for (const { title } of list) features.set(title, (features.get(title) ?? new Set()).add(program));
  for (const [title, where] of features) found.push([file, title, [...where].sort()]);
}
process.stdout.write(JSON.stringify(found));
