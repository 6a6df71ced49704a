package main

import (
	"testing"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

// TestPersons holds that what people write stays theirs, though it is about the
// things that machines write of, and nothing in the header speaks for them.
func TestPersons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ subject, text string }{
		{"Order 30977", "Hello, my order 30977 has not arrived yet and the tracking number you gave me does not work. Where is my parcel?\n\nAnn"},
		{"Invoice question", "Hi, I got your invoice twice this month. Could you check which one I should pay?\nThanks, Bill"},
		{"Unpaid invoice 2231", "Dear Tom, invoice 2231 is three weeks late now. Please pay it this week, I have bills too.\nJo"},
		{"Password", "Hi, I cannot log in, the password reset mail never came. Can you set a new password for me?\nSam"},
		{"newsletter", "Did you see the newsletter of the museum? They have a Friday late opening, shall we go?"},
		{"Please take me off your list", "I never subscribed to your newsletter and I don't want to receive it. Unsubscribe me please.\nR. Miller"},
		{"Holiday", "I'm out of the office from Monday, so let's settle the budget before. Can you call me today?\nKim"},
		{"Birthday party", "Happy birthday! I have a present for you, come back home soon and we'll celebrate.\nMum"},
		{"Saturday", "You're invited! We're having a party on Saturday, join us. Bring a salad?\nLou"},
		{"Server", "The web server is down again, can you have a look? I restarted it twice.\nPat"},
		{"Bestellung 4711", "Guten Tag, ich warte seit zwei Wochen auf meine Bestellung. Die Sendungsnummer funktioniert nicht. Wann kommt das Paket?\nGruß, Uwe"},
		{"Rechnung", "Hallo Herr Kern, Ihre Rechnung habe ich bekommen, aber der Rabatt fehlt. Können Sie mir eine neue schicken?\nI. Wolf"},
		{"Termin", "Liebe Frau Doktor, ich muss den Termin am Montag absagen, mein Kind ist krank. Haben Sie Donnerstag etwas frei?\nB. Lang"},
		{"Urlaub", "Hi Tina, bin ab Freitag im Urlaub und am 12. wieder da. Machst du solange die Post? Danke dir!\nOle"},
		{"Kündigung", "Sehr geehrte Damen und Herren, hiermit kündige ich meinen Vertrag zum Jahresende. Bitte bestätigen Sie mir die Kündigung.\nJ. Roth"},
		{"Facture de mars", "Bonjour, je n'ai pas reçu la facture de mars, pouvez-vous me la renvoyer ? Merci d'avance.\nLuc"},
		{"Commande", "Bonjour, j'ai passé une commande lundi et je voudrais changer l'adresse de livraison. Est-ce possible ?\nEmma"},
		{"Samedi", "Salut, je ne serai pas là samedi, je suis en vacances chez ma soeur. On se voit dimanche ?\nBises"},
		{"Devis", "Bonjour Monsieur, merci pour votre devis. Je le trouve un peu cher, peut-on en parler ?\nM. Petit"},
		{"Pedido", "Hola, hice un pedido la semana pasada y todavía no ha llegado. ¿Me pueden decir dónde está?\nGracias, Eva"},
		{"Reunión", "Hola Pepe, no puedo el martes, estoy de vacaciones. ¿Te va bien el jueves?\nUn abrazo"},
		{"Factura", "Buenos días, en la factura de abril hay un error, el importe no coincide. ¿La puedes revisar?\nMarta"},
		{"Pakket kwijt", "Hallo, mijn pakket zou gisteren komen maar ik heb niets gezien. Kunt u het nakijken?\nGroet, Piet"},
		{"Factuur", "Dag Els, ik heb je factuur betaald, maar het bedrag klopte niet. Bel je me even?\nKees"},
		{"Vakantie", "Hoi, wij zijn met vakantie tot de 20e, kun jij de kat eten geven?\nLiefs, Anja"},
		{"Ordine", "Buongiorno, ho fatto un ordine dieci giorni fa e non ho ancora ricevuto niente. Potete controllare?\nSara"},
		{"Fattura", "Ciao Gino, la fattura di maggio non la trovo. Me la rimandi per favore?\nCarla"},
		{"Encomenda", "Bom dia, fiz uma encomenda há duas semanas e ainda não chegou. Podem verificar?\nObrigada, Rita"},
		{"Férias", "Olá Zé, estou de férias na próxima semana, tratamos disso antes?\nAbraço"},
		{"Zamówienie", "Dzień dobry, czekam na zamówienie już dwa tygodnie. Kiedy mogę się go spodziewać?\nPozdrawiam, Ola"},
		{"Faktura", "Cześć Marek, nie mam jeszcze faktury za kwiecień. Możesz mi ją wysłać?\nBasia"},
		{"Urlop", "Hej, od poniedziałku jestem na urlopie, więc zróbmy to w piątek.\nKuba"},
	} {
		in := Input{Text: c.text, Headers: []plugin.Field{
			{Name: "From", Value: "someone@example.org"},
			{Name: "To", Value: "team@acme.test"},
			{Name: "Subject", Value: c.subject},
		}}
		if got := Classify(in); got.Type != "normal" {
			t.Errorf("%q is %s (%s) by %s", c.text, got.Type, got.Confidence, got.Signals)
		}
	}
}
