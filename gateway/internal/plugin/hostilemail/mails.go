package hostilemail

import "strings"

// headers are mails whose header is what is odd.
func headers() []Mail {
	rep := strings.Repeat
	without := func(field string) string {
		var b strings.Builder
		for line := range strings.Lines(ordinary) {
			if !strings.HasPrefix(line, field+":") {
				b.WriteString(line)
			}
		}
		return b.String() + "\r\nHello.\r\n"
	}
	return []Mail{
		{"empty", func() string { return "" }},
		{"no header", func() string { return "\r\nHello.\r\n" }},
		{"no body", func() string { return ordinary }},
		{"a header that is none", func() string { return "Hello\r\nthere is no field here\r\n\r\nHello.\r\n" }},
		{"no From", func() string { return without("From") }},
		{"no Subject", func() string { return without("Subject") }},
		{"no Date", func() string { return without("Date") }},
		{"no Message-ID", func() string { return without("Message-ID") }},
		{"fields without values", func() string {
			return "From:\r\nTo:\r\nSubject:\r\nDate:\r\nMessage-ID:\r\nReferences:\r\nContent-Type:\r\n\r\nHello.\r\n"
		}},
		{"each field twice", func() string {
			return ordinary + strings.ReplaceAll(ordinary, "4711", "4712") + "\r\nHello.\r\n"
		}},
		{"10,000 fields", func() string { return header(numbered(10_000, "X-Field-%d: value\r\n")) }},
		{"a field of 900 KB", func() string { return header("X-Long: " + rep("x", 900<<10) + "\r\n") }},
		{"a subject of 200 KB", func() string {
			return strings.Replace(header(""), "Order 4711", rep("order 4711 ", 18_000), 1)
		}},
		{"a folded field of 10,000 lines", func() string { return header("X-Folded: a" + rep("\r\n b", 10_000) + "\r\n") }},
		{"5,000 recipients", func() string { return header("Cc: " + numbered(5_000, "u%d@acme.test, ") + "last@acme.test\r\n") }},
		{"addresses that are none", func() string {
			return "From: <<>>, \"\\\" (((, @, a@b@c\r\nTo: undisclosed-recipients:;\r\nReply-To: ;;;,,,\r\nSubject: x\r\n\r\nHello.\r\n"
		}},
		{"a date far ahead", func() string { return strings.Replace(header(""), "12 Feb 2026", "31 Dec 9999", 1) }},
		{"a date before all", func() string { return strings.Replace(header(""), "12 Feb 2026", "01 Jan 0000", 1) }},
		{"a date that is none", func() string {
			return strings.Replace(header(""), "Thu, 12 Feb 2026 10:30:00 +0100", "Thu, 99 Foo 20260 77:99:99 +9999 (((", 1)
		}},
		{"8-bit octets in the header", func() string {
			return strings.Replace(header("X-Junk: \xff\xfe\x80\r\n"), "Order", "Gr\xfc\xdfe \xc3\x28 \xed\xa0\x80", 1)
		}},
		{"broken encoded words", func() string {
			return strings.Replace(header(""), "Order", "=?utf-8?q?=FF=FE?= =?utf-8?b?!!?= =?none?q?x?= =?utf-8?x?x?= =?", 1)
		}},
		{"control characters in the header", func() string {
			return strings.Replace(header(""), "Order", "a\x00b\x1b[2J\x07c\x7f=?utf-8?q?=0D=0AX-Injected:_1?=", 1)
		}},
		{"characters that turn the direction", func() string {
			return strings.Replace(header(""), "Order", "=?utf-8?b?4oCubW9jLmVsaXYg4oGm4oCP?= =?utf-8?q?=E2=80=8B=EF=BB=BF?=", 1)
		}},
		{"combining characters without end", func() string {
			return strings.Replace(header(""), "Order", "Z"+rep("\u0351\u0329", 20_000), 1)
		}},
	}
}

// texts are mails whose text is what is odd.
func texts() []Mail {
	rep := strings.Repeat
	return []Mail{
		{"5 MB of text", func() string { return typed("text/plain; charset=utf-8", rep("all work and no play\r\n", 5<<20/22)) }},
		{"one line of 2 MB", func() string { return typed("text/plain; charset=utf-8", rep("x", 2<<20)) }},
		{"200,000 empty lines", func() string { return typed("text/plain; charset=utf-8", rep("\r\n", 200_000)) }},
		{"100,000 quoted lines", func() string { return typed("text/plain; charset=utf-8", rep("> > > no\r\n", 100_000)) }},
		{"one quotation 10,000 deep", func() string { return typed("text/plain; charset=utf-8", rep(">", 10_000)+" no\r\n") }},
		{"20,000 links in text", func() string {
			return typed("text/plain; charset=utf-8", numbered(20_000, "https://shop.example/%d?a=b#c\r\n"))
		}},
		{"8-bit junk", func() string { return typed("text/plain; charset=utf-8", junk(200<<10)) }},
		{"NUL octets", func() string { return typed("text/plain; charset=utf-8", rep("a\x00", 50_000)) }},
		{"control and direction characters", func() string {
			return typed("text/plain; charset=utf-8", rep("\x1b]0;x\x07\u202egnp.exe\u2066\u0085\u2028\ufeff\U000e0041", 2_000))
		}},
		{"an unknown charset", func() string { return typed("text/plain; charset=x-klingon", "Q\xf0apla'\r\n") }},
		{"UTF-16 of odd length", func() string { return typed("text/plain; charset=utf-16", "\xff\xfeH\x00e\x00l\x00l\x00o\x00\xd8") }},
		{"UTF-7", func() string { return typed("text/plain; charset=utf-7", "+ADw-script+AD4- +2D/cAA- +////\r\n") }},
		{"ISO-2022-JP that does not end", func() string { return typed("text/plain; charset=iso-2022-jp", "\x1b$B$3$s$K$A") }},
		{"emoji and surrogates", func() string {
			return typed("text/plain; charset=utf-8", rep("👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿\xed\xa0\xbd\xed\xb8\x80", 5_000))
		}},
		{"broken base64", func() string {
			return ordinary + "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8*=!=\r\nwor\x00ld====A\r\n"
		}},
		{"broken quoted-printable", func() string {
			return ordinary + "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=\r\n=Z=4=\r\n==3D=C3=\r\n" + rep("=", 5_000)
		}},
		{"bare line feeds", func() string {
			return strings.ReplaceAll(typed("text/plain", "one\r\ntwo\r\n\r\nthree\r\n"), "\r\n", "\n")
		}},
		{"bare carriage returns", func() string { return typed("text/plain", "one\rtwo\r\r\rthree") }},
		{"words of templates", func() string {
			return typed("text/plain; charset=utf-8", "{{.}} ${jndi:ldap://x} %s%n <%= 1 %> '; DROP TABLE mails; -- $(reboot) `id` ../../etc/passwd\r\n")
		}},
	}
}

// pages are mails whose HTML is what is odd.
func pages() []Mail {
	rep := strings.Repeat
	html := func(body string) func() string {
		return func() string { return typed("text/html; charset=utf-8", body) }
	}
	return []Mail{
		{"HTML alone", html("<p>Hello <i>there</i></p>")},
		{"empty HTML", html("")},
		{"HTML 50,000 deep", html(rep("<div>", 50_000) + "x")},
		{"lists 5,000 deep", html(rep("<ul><li>", 5_000) + "x")},
		{"tables 1,000 deep", html(rep("<table><tr><td>", 1_000) + "x")},
		{"emphasis 20,000 deep", html(rep("<b><i>", 20_000) + "x" + rep("</i></b>", 20_000))},
		{"tags that cross", html(rep("<b><p></b><i></p></i>", 20_000))},
		{"tags that do not end", html(rep("<a href=x ", 50_000))},
		{"500,000 angle brackets", html(rep("<", 500_000))},
		{"comments that do not end", html(rep("<!-- ", 100_000))},
		{"50,000 attributes", html("<p " + numbered(50_000, "a%d=b ") + ">x</p>")},
		{"entities", html(rep("&amp;&#0;&#x110000;&#xD800;&unknown;&", 20_000))},
		{"a table of 40,000 cells", html("<table>" + rep("<tr>"+rep("<td>x</td>", 200)+"</tr>", 200) + "</table>")},
		{"a cell over 100,000 columns", html("<table><tr><td colspan=100000 rowspan=100000>x</td></tr><tr><td>y</td></tr></table>")},
		{"30,000 links", html(numbered(30_000, `<a href="https://shop.example/%d">x</a>`))},
		{"links that are none", html(`<a href="javascript:alert(1)">a</a><a href="data:text/html,x">b</a><a href="http://[::1">c</a><a href="//%zz">d</a><img src="cid:">`)},
		{"script and style", html("<script>" + rep("if (a<b) {}", 10_000) + "</script><style>" + rep("p{}", 10_000) + "</style><p>x</p>")},
		{"text that is not to be seen", html(`<div style="display:none">` + rep("hidden ", 20_000) + `</div><p>x</p>`)},
		{"3 MB of HTML", html(rep("<p>all work and <b>no</b> play</p>\r\n", 3<<20/36))},
		{"4 MB of markup that means itself", html(rep("*_`[]#|\\~", 4<<20/9))},
	}
}

// structures are mails whose MIME parts are what is odd.
func structures() []Mail {
	rep := strings.Repeat
	return []Mail{
		{"multiparts 500 deep", func() string {
			return ordinary + numbered(500, "Content-Type: multipart/mixed; boundary=b%[1]d\r\n\r\n--b%[1]d\r\n") + "\r\nthe core\r\n"
		}},
		{"a multipart without parts", func() string { return mixed() }},
		{"a boundary that does not occur", func() string {
			return typed("multipart/mixed; boundary=never", "--other\r\n\r\nHello.\r\n--other--\r\n")
		}},
		{"a multipart without a boundary", func() string { return typed("multipart/mixed", "--\r\n\r\nHello.\r\n----\r\n") }},
		{"a multipart that does not end", func() string { return strings.TrimSuffix(mixed(part("text/plain", "Hello.")), "--"+boundary+"--\r\n") }},
		{"900 parts", func() string {
			return mixed(strings.Split(strings.TrimSuffix(rep(part("text/plain", "x")+"|", 900), "|"), "|")...)
		}},
		{"300 attachments", func() string {
			parts := []string{part("text/plain", "Hello.")}
			for i := range 300 {
				parts = append(parts, attached("file-"+rep("x", i%50)+".bin", "application/octet-stream", junk(i)))
			}
			return mixed(parts...)
		}},
		{"mails within mails", func() string {
			return ordinary + rep("Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n", 40) + "\r\nthe core\r\n"
		}},
		{"a type that is none", func() string { return typed("////;;; charset=\"\\\"; =x", "Hello.\r\n") }},
		{"a part that is all header", func() string { return mixed("X-A: b\r\nX-C: d") }},
	}
}

// files are mails whose attachments are what is odd.
func files() []Mail {
	rep := strings.Repeat
	hello := part("text/plain", "Hello.")
	named := func(names ...string) func() string {
		return func() string {
			parts := []string{hello}
			for _, name := range names {
				parts = append(parts, attached(name, "application/octet-stream", "content"))
			}
			return mixed(parts...)
		}
	}
	return []Mail{
		{"names that lead elsewhere", named("../../../etc/passwd", `..\\..\\windows\\system32\\x.dll`, "/dev/null", "C:\\x", "a/b/c", "....//x", ".", "..")},
		{"names that lie", named("invoice.pdf.exe", "photo\u202egnp.exe", "a.txt ", "CON", "NUL.txt", "a.txt:stream", "a\x00.txt", "x\x1b[2J.txt")},
		{"a name without an end", named(rep("x", 100_000) + ".txt")},
		{"the same name for all", named("a.txt", "a.txt", "A.TXT", "a.txt")},
		{"no name", named("", " ", "\t")},
		{"a name in broken pieces", func() string {
			return mixed(hello, "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename*0*=utf-8''%FF%; filename*2=x; filename*1*=%zz; filename*=none''x\r\n\r\nx")
		}},
		{"an empty attachment", func() string { return mixed(hello, attached("empty.bin", "application/octet-stream", "")) }},
		{"an attachment of 4 MB", func() string { return mixed(hello, attached("large.bin", "application/octet-stream", junk(4<<20))) }},
		{"an attachment of broken base64", func() string {
			return mixed(hello, "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"+rep("JVBERi0*=", 1_000))
		}},
		{"a file that says it is text", func() string { return mixed(hello, attached("a.txt", "text/plain; charset=utf-8", junk(10_000))) }},
		{"a zip of a lie", func() string {
			return mixed(hello, attached("a.zip", "application/zip", "PK\x03\x04\x14\x00\x00\x00\x08\x00"+rep("\xff", 30)+junk(200)))
		}},
	}
}

// kinds are mails that are not from a person to a person.
func kinds() []Mail {
	rep := strings.Repeat
	return []Mail{
		{"an invitation", func() string {
			return mixed(part("text/calendar; charset=utf-8; method=REQUEST",
				"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260212T103000Z\r\nSUMMARY:Talk\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"))
		}},
		{"an invitation without end", func() string { return typed("text/calendar", rep("BEGIN:VEVENT\r\nRRULE:FREQ=SECONDLY\r\n", 10_000)) }},
		{"winmail.dat", func() string {
			return mixed(attached("winmail.dat", "application/ms-tnef", "\x78\x9f\x3e\x22\x01\x00\x01\x06\x90\x08\x00\xff\xff\xff\xff"+junk(2_000)))
		}},
		{"a bounce", func() string {
			return ordinary + "Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n" +
				"--r\r\n\r\nIt did not work.\r\n--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n" +
				"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 9.9.999\r\n\r\n--r\r\nContent-Type: message/rfc822\r\n\r\n" + ordinary + "\r\n--r--\r\n"
		}},
		{"a mailing list", func() string {
			return header("List-Id: <x." + rep("y", 200) + ">\r\nList-Unsubscribe: <mailto:>, <https://>, <>\r\nPrecedence: bulk\r\nAuto-Submitted: auto-replied\r\n")
		}},
		{"a signed mail", func() string {
			return ordinary + "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=s\r\n\r\n" +
				"--s\r\n" + part("text/plain", "Hello.") + "\r\n--s\r\n" + part("application/pgp-signature", "-----BEGIN PGP SIGNATURE-----\r\n") + "\r\n--s--\r\n"
		}},
		{"an encrypted mail", func() string {
			return mixed(part("application/pgp-encrypted", "Version: 1"), part("application/octet-stream", "-----BEGIN PGP MESSAGE-----\r\n"+rep("x", 5_000)))
		}},
	}
}
