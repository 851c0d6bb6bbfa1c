// The answers of a WebDAV server to PROPFIND, which the servers of the situations do not know.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"unsafe"

	"github.com/rclone/rclone/fs"
)

const found = `<multistatus xmlns="DAV:"><response><href>%s</href><propstat><prop>` +
	`<getcontentlength>%d</getcontentlength></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`

// webdav answers what is not tus: a file is there once the server acknowledged all of it.
type webdav struct {
	http.RoundTripper
	size, offset int64
}

func (w *webdav) RoundTrip(request *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(request.Method, "PROP") {
		response, err := w.RoundTripper.RoundTrip(request)
		if err == nil && response.StatusCode/100 == 2 {
			w.offset, _ = strconv.ParseInt(response.Header.Get("Upload-Offset"), 10, 64)
		}
		return response, err
	}
	status, body := 404, ""
	if w.offset >= w.size {
		status, body = 207, fmt.Sprintf(found, request.URL.Path, w.offset)
	}
	header := http.Header{"Content-Type": {"application/xml"}}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewBufferString(body)), Request: request}, nil
}

// hidden returns a field that another package does not export.
func hidden(value reflect.Value, name string) reflect.Value {
	field := value.Elem().FieldByName(name)
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}

// answerPropfind puts such answers before rclone's own transport.
func answerPropfind(target fs.Fs, size int64) {
	client := hidden(hidden(reflect.ValueOf(target), "srv"), "c").Interface().(*http.Client)
	client.Transport = &webdav{client.Transport, size, -1}
}
