package abi

// The functions of this file write what was lifted as wit/vectors does: records as
// objects with the names of plugin.wit, options as the value or null, results and
// variants with a tag.

type object = map[string]any

func plainList[T any](list []T, element func(T) any) []any {
	plain := make([]any, len(list))
	for i, v := range list {
		plain[i] = element(v)
	}
	return plain
}

func optional[T any](v T, some bool) any {
	if !some {
		return nil
	}
	return v
}

func plainSession(s Session) any {
	return object{
		"delivery-id": s.DeliveryID, "tenant": s.Tenant, "alias": s.Alias, "mail-from": optional(s.MailFrom, s.HasMailFrom),
		"rcpt-to": s.RcptTo, "helo": s.Helo, "remote-ip": s.RemoteIP, "tls": s.TLS, "received-at": s.ReceivedAt,
	}
}

func plainField(f Field) any { return object{"name": f.Name, "value": f.Value} }

func plainContent(c Content, some bool) any {
	return optional(object{"text": c.Text, "truncated": c.Truncated}, some)
}

func plainPart(p Part) any {
	return object{
		"filename": optional(p.Filename, p.HasFilename), "content-type": p.ContentType, "size": p.Size,
		"content-id": optional(p.ContentID, p.HasContentID), "inline": p.Inline, "sha256": p.SHA256,
	}
}

func plainReport(r Report) any {
	return object{"engine": r.Engine, "part": optional(r.Part, r.HasPart), "answer": r.Answer}
}

func plainSlice(b []byte, failed string) any {
	if failed != "" {
		return object{"tag": "err", "val": failed}
	}
	return object{"tag": "ok", "val": plainList(b, func(octet byte) any { return octet })}
}

// plainEdited takes what the result holds where it is good, if anything.
func plainEdited(e EditError, value ...any) any {
	switch {
	case e.Case == EditForbidden:
		return object{"tag": "err", "val": object{"tag": "forbidden"}}
	case e.Case == EditBadPointer:
		return object{"tag": "err", "val": object{"tag": "bad-pointer"}}
	case e.Case == EditBadValue:
		return object{"tag": "err", "val": object{"tag": "bad-value", "val": e.Text}}
	case len(value) > 0:
		return object{"tag": "ok", "val": value[0]}
	default:
		return object{"tag": "ok"}
	}
}
