package phrases

import "unicode"

// Fold brings a text into the form that phrases are in: its words in lower case
// and without marks, with one space after each. A word is of letters; a "%" is one
// too, and a number of whatever form is the word "#". What is beyond limit octets
// of the result is left out.
//
// "E-mail" is one word, since "email" is. So is a word with a number at its end.
func Fold(text string, limit int) string {
	out := make([]byte, 0, min(len(text)+len(text)/8, limit)+2*len("ss"))
	inWord := false
	end := func() {
		if inWord {
			out = append(out, ' ')
			inWord = false
		}
	}
	// word begins a word that is of one character, unless it is the last one again:
	// "1.234,50" is one number.
	word := func(c byte) {
		end()
		if n := len(out); n >= 2 && out[n-2] == c && (n == 2 || out[n-3] == ' ') {
			return
		}
		out = append(out, c, ' ')
	}
	for i, r := range text {
		if len(out) >= limit {
			break
		}
		switch {
		case 'a' <= r && r <= 'z':
			out = append(out, byte(r))
			inWord = true
		case 'A' <= r && r <= 'Z':
			out = append(out, byte(r)|0x20)
			inWord = true
		case '0' <= r && r <= '9':
			if inWord {
				out = append(out, byte(r))
			} else {
				word('#')
			}
		case r == '%':
			word('%')
		case r < 0x80:
			if r != '-' || !inWord || !isEMail(out, text[i+1:]) {
				end()
			}
		case r < firstMarked:
			// Soft hyphens stand inside of words. The letters ª and º are of no use.
			if r != '\u00ad' {
				end()
			}
		case r < firstMarked+rune(len(unmarked)):
			base := unmarked[r-firstMarked]
			switch base {
			case ' ':
				end()
				continue
			case 'S':
				out = append(out, "ss"...)
			case 'A':
				out = append(out, "ae"...)
			case 'O':
				out = append(out, "oe"...)
			default:
				out = append(out, base)
			}
			inWord = true
		case r == '\u200b' || r == '\u200c' || r == '\u200d' || unicode.Is(unicode.Mn, r):
			// So do joiners, and marks that stand by themselves.
		case unicode.IsLetter(r):
			// No phrase has it, but it is no gap between words either.
			out = append(out, '?')
			inWord = true
		default:
			end()
		}
	}
	end()
	return string(out)
}

// isEMail reports whether the hyphen between folded and rest is that of "e-mail".
func isEMail(folded []byte, rest string) bool {
	n := len(folded)
	return folded[n-1] == 'e' && (n == 1 || folded[n-2] == ' ') &&
		len(rest) >= len("mail") && rest[0]|0x20 == 'm' && rest[1]|0x20 == 'a' && rest[2]|0x20 == 'i' && rest[3]|0x20 == 'l'
}

const firstMarked = 'À'

// unmarked has the letters À to ž without their marks; S, A and O stand for ss, ae
// and oe.
const unmarked = "aaaaaaAceeeeiiii" + "dnooooo ouuuuytS" + "aaaaaaAceeeeiiii" + "dnooooo ouuuuyty" +
	"aaaaaaccccccccdd" + "ddeeeeeeeeeegggg" + "gggghhhhiiiiiiii" + "iiiijjkkklllllll" +
	"lllnnnnnnnnnoooo" + "ooOOrrrrrrssssss" + "ssttttttuuuuuuuu" + "uuuuwwyyyzzzzzzs"
