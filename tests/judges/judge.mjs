// Judges a folder of files and prints what each of them was told, as JSON by file name:
//
//     node judge.mjs FOLDER [CHROMIUM]
//
//     *.mjml   {errors, html}                   mjml, the reference compiler
//     *.html   {standard, …}                    html-validate; with the browser CHROMIUM, if given, also
//              {light, dark, outlook, width}    axe-core, and the pixels it takes on the narrowest screen
//     *.eml    {mailparser, "postal-mime"}      what two parsers read
//
// One process for all, because starting a browser and the compiler takes longer than judging does.

import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";

import axe from "axe-core";
import { HtmlValidate } from "html-validate";
import { simpleParser } from "mailparser";
import mjml2html from "mjml";
import { chromium } from "playwright-core";
import PostalMime from "postal-mime";

// The rules of the HTML standard and of accessibility; those that are off ask for what mail must not do.
const mail = new HtmlValidate({
  extends: ["html-validate:standard", "html-validate:a11y"],
  rules: {
    // Outlook on Windows lays out by the attributes (align, bgcolor, cellpadding, width), not by CSS.
    "no-deprecated-attr": "off",
    // Outlook knows no <article>: the role stands on a <div>.
    "prefer-native-element": "off",
    // <br> and <br /> are the same to HTML; MRML writes one, templates the other.
    "void-style": "off",
  },
});

// Landmarks are of a page. A mail stands inside one that has a main landmark already: the mail program.
const axeOptions = {
  resultTypes: ["violations"],
  rules: { "landmark-one-main": { enabled: false }, region: { enabled: false } },
};

// As Outlook on the web and on phones marks a mail that it shows in the dark.
const markAsOutlook = () => {
  document.documentElement.setAttribute("data-ogsc", "");
  document.documentElement.setAttribute("data-ogsb", "");
};

const flags = [
  "--no-sandbox", // so that root may run it, as in a container
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

async function main(folder, executablePath) {
  const browser = executablePath && (await chromium.launch({ executablePath, args: flags }));
  const verdicts = {};
  const names = (await readdir(folder)).values();
  const judgeThemAll = async () => {
    for (const name of names) {
      verdicts[name] = await judges[extname(name)](await readFile(join(folder, name)), browser);
    }
  };
  await Promise.all([judgeThemAll(), judgeThemAll()]); // the browser uses as many cores as it has pages
  await browser?.close();
  process.stdout.write(JSON.stringify(verdicts));
}

const judges = {
  ".mjml": async (source) => {
    const { errors, html } = await mjml2html(source.toString(), { validationLevel: "soft" });
    return { errors: errors.map((error) => error.formattedMessage), html };
  },

  ".html": async (source, browser) => {
    const report = await mail.validateString(source.toString());
    const standard = report.results
      .flatMap((result) => result.messages)
      .map((found) => `${found.ruleId}: ${found.message} (${found.selector})`);
    return { standard, ...(browser ? await seen(source.toString(), browser) : {}) };
  },

  ".eml": async (source) => ({
    mailparser: await byMailparser(source),
    "postal-mime": await byPostalMime(source),
  }),
};

async function seen(html, browser) {
  const page = await browser.newPage();
  await page.route("**/*", (route) => route.abort());
  await page.setContent(html);
  await page.evaluate(`${axe.source};0`);
  const light = await violations(page);
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await violations(page);
  await page.emulateMedia({ colorScheme: "light" });
  await page.evaluate(markAsOutlook);
  const outlook = await violations(page);
  await page.setViewportSize({ width: 320, height: 640 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  await page.close();
  return { light, dark, outlook, width };
}

async function violations(page) {
  const found = await page.evaluate((options) => globalThis.axe.run(options), axeOptions);
  return found.violations.flatMap(({ id, impact, nodes }) =>
    nodes.map((node) => `${impact} ${id}: ${node.html.slice(0, 200)} ${node.failureSummary}`),
  );
}

async function byMailparser(source) {
  // Each body as it was sent: by default this parser makes the one from the other.
  const asSent = { skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true, skipImageLinks: true };
  const read = await simpleParser(source, asSent);
  return {
    subject: read.subject,
    from: mailbox(read.from.value[0]),
    to: mailbox(read.to.value[0]),
    listed: read.headers.get("list"),
    lists: lists(read.headerLines.map(({ key, line }) => [key, line.slice(line.indexOf(":") + 1)])),
    text: read.text,
    html: read.html,
  };
}

async function byPostalMime(source) {
  const read = await PostalMime.parse(source);
  return {
    subject: read.subject,
    from: mailbox(read.from),
    to: mailbox(read.to[0]),
    lists: lists(read.headers.map(({ key, value }) => [key, value])),
    text: read.text,
    html: read.html,
  };
}

const mailbox = ({ name, address }) => [name, address];

const lists = (fields) =>
  Object.fromEntries(
    fields
      .filter(([name]) => name.startsWith("list-"))
      .map(([name, value]) => [name, value.replace(/\s+/g, " ").trim()]),
  );

await main(...process.argv.slice(2));
