// Packs and unpacks brush masks as Label Studio's editor does.
// In: {"decode": [bytes…], "encode": [words…]}. Out: {"decoded": [a digest of the words…], "encoded": [bytes…]}.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { decode, encode } from "@thi.ng/rle-pack";

const asked = JSON.parse(readFileSync(0, "utf8"));
const digest = (words) => createHash("sha256").update(words).digest("hex");
const answer = {
  decoded: asked.decode.map((bytes) => digest(decode(bytes))),
  encoded: asked.encode.map((words) => Array.from(encode(words, words.length))),
};
process.stdout.write(JSON.stringify(answer));
