// What the trials ask of the page: uploads with Uppy, and with tus-js-client where Uppy has no way.

// The bytes of a file follow from its seed, so that they can be compared elsewhere.
function content(seed, size) {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + (at >> 8) * 17 + seed) & 255
  return bytes
}

function fileOf({ name, seed, size, type = "application/octet-stream" }) {
  return new File([content(seed, size)], name, { type, lastModified: 1700000000000 })
}

let uppy = null

// Begin to upload files with Uppy; `stop` says after how many bytes to pause or to reload the page.
window.begin = (endpoint, files, options = {}) => {
  if (uppy !== null) uppy.destroy()
  window.stopped = false
  window.ended = null
  const { cookies, stop, ...more } = options
  if (cookies) more.onBeforeRequest = (request) => { request.getUnderlyingObject().withCredentials = true }
  uppy = new Uppy.Uppy({ autoProceed: false })
    .use(Uppy.Dashboard, { inline: true, target: "#uppy", height: 510, width: "100%" })
    .use(Uppy.Tus, { endpoint, chunkSize: 262144, retryDelays: [0, 100], limit: 4, ...more })
  uppy.on("upload-progress", (_, told) => {
    if (!stop || window.stopped || told.bytesUploaded < stop.at) return
    window.stopped = true
    if (stop.by === "reload") location.reload()
    else uppy.pauseAll()
  })
  for (const each of files) {
    const file = fileOf(each)
    uppy.addFile({ name: file.name, type: file.type, data: file })
  }
  uppy.upload().then((result) => {
    for (const file of result.successful) show(file.name, file.size, file.uploadURL)
    window.ended = {
      urls: result.successful.map((file) => [file.name, file.uploadURL]),
      failed: result.failed.map((file) => String(file.error)),
    }
  })
}

window.goOn = () => uppy.resumeAll()

// Upload with tus-js-client alone, from a stream whose length it does not know.
window.stream = (endpoint, { seed, size }) => new Promise((resolve, reject) => {
  const reader = new Blob([content(seed, size)]).stream().getReader()
  const job = new tus.Upload(reader, {
    endpoint, uploadLengthDeferred: true, chunkSize: 262144, retryDelays: [0],
    onError: reject, onSuccess: () => resolve(job.url),
  })
  job.start()
})

// Try an upload, and tell what the page can read of the answer that refuses it.
window.refused = (endpoint, { seed, size }) => new Promise((resolve) => {
  const job = new tus.Upload(new Blob([content(seed, size)]), {
    endpoint, retryDelays: null,
    onError: (error) => {
      const answer = error.originalResponse
      resolve(answer ? { status: answer.getStatus(), body: answer.getBody() } : { error: String(error) })
    },
    onSuccess: () => resolve({ url: job.url }),
  })
  job.start()
})

// Fetch an upload across origins and tell how many of its bytes are as they should be.
window.fetched = async (url, { seed, size }) => {
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer())
  const wanted = content(seed, size)
  return bytes.length === size && bytes.every((byte, at) => byte === wanted[at])
}

function show(name, size, url) {
  const link = Object.assign(document.createElement("a"), { href: url, textContent: name })
  const bytes = Object.assign(document.createElement("span"), { textContent: `${size.toLocaleString("en")} bytes` })
  const item = document.createElement("li")
  item.append(link, bytes)
  document.querySelector("#done").append(item)
}
