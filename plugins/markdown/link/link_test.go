package link

import "testing"

func TestOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ href, want string }{
		{"https://a.test/b?c=d&e=f#g", "https://a.test/b?c=d&e=f#g"},
		{" HTTPS://A.test/\n", "https://A.test/"},
		{"http://a.test/(b) [c]<d>\"`|{*}\\", "http://a.test/%28b%29%20%5Bc%5D%3Cd%3E%22%60%7C%7B%2A%7D%5C"},
		{"http://a.\ttest/\r\nb", "http://a.test/b"},
		{"mailto:a@b.test?subject=x%20y", "mailto:a@b.test?subject=x%20y"},
		{"tel:+49 123", "tel:+49%20123"},
		{"cid:a@b", "cid:a@b"},
		{"https://a.test/?b=1&amp;c=2&copy=3", "https://a.test/?b=1&c=2&copy=3"},
		{"https://a.test/?b=&amp;lt;&amp;#60;", "https://a.test/?b=&amp;lt;&amp;#60;"},
		{"https://a.test/?b=1&\nmp;c=\t&l\rt;", "https://a.test/?b=1&amp;mp;c=&amp;lt;"},
		{"https://例え.test/é", "https://例え.test/é"},
		{"https://a.test/\u202egnp.exe\u00a0\u200b\u3000", "https://a.test/%E2%80%AEgnp.exe%C2%A0%E2%80%8B%E3%80%80"},
		{"https://a.test/\xff\xc2", "https://a.test/\xff\xc2"},
		{"https://", ""},
		{"https://\n\t", ""},
		{"https://a\x00b", ""},
		{"https:a.test", ""},
		{"//a.test", ""},
		{"/a", ""},
		{"", ""},
		{"javascript:alert(1)", ""},
		{"java\tscript:alert(1)", ""},
		{"&#106;avascript&colon;alert(1)", ""},
		{"\x01https://a.test", ""},
		{"data:text/html,x", ""},
		{"ｈttps://a.test", ""},
	} {
		if got := Of(test.href); got != test.want {
			t.Errorf("%q: got %q, want %q", test.href, got, test.want)
		}
	}
	for _, test := range []struct{ src, want string }{
		{"https://a.test/b.png", "https://a.test/b.png"}, {"cid:a", "cid:a"}, {"mailto:a@b.test", ""}, {"data:image/png;base64,x", ""}, {"", ""},
	} {
		if got := OfImage(test.src); got != test.want {
			t.Errorf("image %q: got %q, want %q", test.src, got, test.want)
		}
	}
}
