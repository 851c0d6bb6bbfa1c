// Runs a client in Chromium: bundles its entry.js, opens a page of another origin, prints what it says.
// `supported` in entry.js lists its options; `upload(file, options, sayUrl)` returns the upload's URL.
const fs = require('node:fs')
const path = require('node:path')
const esbuild = require('esbuild')
const { chromium } = require('playwright-core')

const FLAGS = ['defer', 'with-creation', 'override', 'terminate']
const VALUES = ['chunk', 'parallel', 'checksum', 'resume']
const PAGE = 'http://page.test/'
const [folder, endpoint, file, ...words] = process.argv.slice(2)
const options = { endpoint, metadata: {}, headers: {} }
const used = []
while (words.length > 0) {
  const name = words.shift().slice(2)
  used.push(name)
  if (FLAGS.includes(name)) options[name] = true
  else if (VALUES.includes(name)) options[name] = words.shift()
  else if (name === 'meta') {
    const [key, value] = words.shift().split(/=(.*)/s)
    options.metadata[key] = value
  } else {
    const [key, value] = words.shift().split(/: (.*)/s)
    options.headers[key] = value
  }
}
const bundle = esbuild.buildSync({
  entryPoints: [path.join(folder, 'entry.js')],
  bundle: true,
  write: false,
  format: 'iife',
  nodePaths: (process.env.NODE_PATH || '').split(':'),
  logLevel: 'error',
}).outputFiles[0].text

async function drive() {
  const args = ['--no-sandbox', '--disable-features=LocalNetworkAccessChecks']
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args })
  const page = await browser.newPage()
  await page.route(PAGE, (route) => route.fulfill({ contentType: 'text/html', body: '<title>page</title>' }))
  await page.goto(PAGE)
  await page.exposeFunction('sayUrl', (url) => console.log('url', url))
  await page.addScriptTag({ content: bundle })
  const supported = await page.evaluate(() => globalThis.supported)
  if (used.some((name) => !['meta', 'header', ...supported].includes(name))) return 64
  const said = await page.evaluate(async ([data, given]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
    const source = new File([bytes], 'file.bin')
    try { return `done ${await globalThis.upload(source, given, globalThis.sayUrl)}` }
    catch (error) { return `error ${String(error?.message || error).replaceAll('\n', ' ')}` }
  }, [fs.readFileSync(file).toString('base64'), options])
  console.log(said)
  return said.startsWith('done') ? 0 : 1
}
drive().then((code) => process.exit(code))
