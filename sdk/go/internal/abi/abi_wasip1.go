//go:build wasip1

package abi

//go:wasmexport postern:plugin/transformer@0.1.0#configure
func exportConfigure(address, length uint32) uint32 {
	options := linear{}.text(address, length)
	release()
	return lowerResult(linear{}, handler.Configure(options))
}

//go:wasmexport cabi_post_postern:plugin/transformer@0.1.0#configure
func postConfigure(uint32) { release() }

//go:wasmexport postern:plugin/transformer@0.1.0#transform
func exportTransform() uint32 { return lowerResult(linear{}, handler.Transform(nil)) }

//go:wasmexport cabi_post_postern:plugin/transformer@0.1.0#transform
func postTransform(uint32) { release() }

//go:wasmimport postern:plugin/envelope@0.1.0 get
func importEnvelopeGet(ret uint32)

// Envelope calls envelope.get.
func Envelope(*Fixture) Session { return envelope(linear{}, importEnvelopeGet) }

//go:wasmimport postern:plugin/headers@0.1.0 all
func importHeadersAll(ret uint32)

// Headers calls headers.all.
func Headers(*Fixture) []Field { return headers(linear{}, importHeadersAll) }

//go:wasmimport postern:plugin/headers@0.1.0 get
func importHeadersGet(name, n, ret uint32)

// Header calls headers.get.
func Header(_ *Fixture, name string) []string { return header(linear{}, importHeadersGet, name) }

//go:wasmimport postern:plugin/body@0.1.0 text
func importBodyText(ret uint32)

// Text calls body.text.
func Text(*Fixture) (Content, bool) { return body(linear{}, importBodyText) }

//go:wasmimport postern:plugin/body@0.1.0 html
func importBodyHTML(ret uint32)

// HTML calls body.html.
func HTML(*Fixture) (Content, bool) { return body(linear{}, importBodyHTML) }

//go:wasmimport postern:plugin/attachments@0.1.0 all
func importAttachmentsAll(ret uint32)

// Attachments calls attachments.all.
func Attachments(*Fixture) []Part { return attachments(linear{}, importAttachmentsAll) }

//go:wasmimport postern:plugin/attachments@0.1.0 read
func importAttachmentsRead(index uint32, offset uint64, length, ret uint32)

// ReadAttachment calls attachments.read. An error is the host's text.
func ReadAttachment(_ *Fixture, index uint32, offset uint64, length uint32) ([]byte, string) {
	return readAttachment(linear{}, importAttachmentsRead, index, offset, length)
}

//go:wasmimport postern:plugin/raw@0.1.0 size
func importRawSize() uint64

// RawSize calls raw.size.
func RawSize(*Fixture) uint64 { return importRawSize() }

//go:wasmimport postern:plugin/raw@0.1.0 read
func importRawRead(offset uint64, length, ret uint32)

// ReadRaw calls raw.read. An error is the host's text.
func ReadRaw(_ *Fixture, offset uint64, length uint32) ([]byte, string) {
	return readRaw(linear{}, importRawRead, offset, length)
}

//go:wasmimport postern:plugin/scans@0.1.0 all
func importScansAll(ret uint32)

// Scans calls scans.all.
func Scans(*Fixture) []Report { return scans(linear{}, importScansAll) }

//go:wasmimport postern:plugin/payload@0.1.0 get
func importPayloadGet(pointer, n, ret uint32)

// PayloadGet calls payload.get.
func PayloadGet(_ *Fixture, pointer string) (value string, found bool, e EditError) {
	return payloadGet(linear{}, importPayloadGet, pointer)
}

//go:wasmimport postern:plugin/payload@0.1.0 set
func importPayloadSet(pointer, n, value, valueN, ret uint32)

// PayloadSet calls payload.set.
func PayloadSet(_ *Fixture, pointer, value string) EditError {
	return payloadSet(linear{}, importPayloadSet, pointer, value)
}

//go:wasmimport postern:plugin/payload@0.1.0 remove
func importPayloadRemove(pointer, n, ret uint32)

// PayloadRemove calls payload.remove.
func PayloadRemove(_ *Fixture, pointer string) EditError {
	return payloadRemove(linear{}, importPayloadRemove, pointer)
}

//go:wasmimport postern:plugin/disposition@0.1.0 drop
func importDispositionDrop(reason, n uint32)

// Drop calls disposition.drop.
func Drop(_ *Fixture, reason string) { dispose(linear{}, importDispositionDrop, reason) }

//go:wasmimport postern:plugin/disposition@0.1.0 quarantine
func importDispositionQuarantine(reason, n uint32)

// Quarantine calls disposition.quarantine.
func Quarantine(_ *Fixture, reason string) { dispose(linear{}, importDispositionQuarantine, reason) }

//go:wasmimport postern:plugin/log@0.1.0 write
func importLogWrite(level, message, n, fields, fieldsN uint32)

// Log calls log.write.
func Log(_ *Fixture, level uint32, message string, fields []Field) {
	logWrite(linear{}, importLogWrite, level, message, fields)
}
