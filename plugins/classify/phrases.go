package main

// phrase is a run of words, in the form that function prose makes, and the signal
// that it is.
type phrase struct{ words, signal string }

// topic is a signal with its phrases.
type topic struct {
	signal  string
	phrases []string
}

func flatten(topics []topic) []phrase {
	var list []phrase
	for _, t := range topics {
		for _, words := range t.phrases {
			list = append(list, phrase{words, t.signal})
		}
	}
	return list
}

// phrases are looked for in subject and body. They are what a machine writes to
// a customer: "your invoice" is one, "invoice" is not, since people write about
// invoices too. In each topic: English, German, French, Spanish, Dutch.
func phrases() []phrase {
	return flatten([]topic{
		{"billing_words", []string{
			"your invoice", "your receipt", "your payment", "payment received", "payment confirmation", "receipt for your", "amount due", "your bill", "invoice is available",
			"ihre rechnung", "deine rechnung", "ihre zahlung", "deine zahlung", "zahlungsbestätigung", "zahlungseingang", "ihre quittung", "rechnungsbetrag",
			"votre facture", "votre reçu", "votre paiement", "confirmation de paiement", "ta facture",
			"su factura", "tu factura", "su recibo", "tu recibo", "confirmación de pago", "su pago", "tu pago",
			"uw factuur", "je factuur", "uw betaling", "je betaling", "betalingsbevestiging", "betaalbewijs",
		}},
		{"order_words", []string{
			"your order", "order confirmation", "order confirmed", "order number", "thank you for your purchase", "booking confirmation", "your booking", "your reservation",
			"ihre bestellung", "deine bestellung", "bestellbestätigung", "bestellnummer", "auftragsbestätigung", "ihre buchung", "deine buchung", "buchungsbestätigung",
			"votre commande", "confirmation de commande", "numéro de commande", "votre réservation", "ta commande",
			"su pedido", "tu pedido", "confirmación de pedido", "número de pedido", "su reserva", "tu reserva",
			"uw bestelling", "je bestelling", "bestelbevestiging", "bestelnummer", "uw boeking", "je boeking", "uw reservering",
		}},
		{"shipping_words", []string{
			"has shipped", "has been shipped", "your package", "your parcel", "tracking number", "out for delivery", "your shipment", "your delivery",
			"ihr paket", "dein paket", "sendungsnummer", "sendungsverfolgung", "ihre sendung", "deine sendung", "wurde versandt", "versandbestätigung",
			"votre colis", "a été expédiée", "a été expédié", "numéro de suivi", "votre livraison", "ton colis",
			"su paquete", "tu paquete", "ha sido enviado", "número de seguimiento", "su envío", "tu envío",
			"uw pakket", "je pakket", "is verzonden", "track en trace", "uw zending", "je zending", "verzendbevestiging",
		}},
		{"password_reset_words", []string{
			"reset your password", "password reset", "forgot your password", "set a new password", "change your password",
			"passwort zurücksetzen", "passwort zurückzusetzen", "passwort vergessen", "kennwort zurücksetzen", "neues passwort",
			"réinitialiser votre mot de passe", "réinitialisation de votre mot de passe", "réinitialisation du mot de passe", "mot de passe oublié", "nouveau mot de passe",
			"restablecer su contraseña", "restablecer tu contraseña", "restablecer la contraseña", "restablecimiento de contraseña", "nueva contraseña",
			"wachtwoord opnieuw instellen", "wachtwoord herstellen", "wachtwoord vergeten", "wachtwoord te herstellen", "nieuw wachtwoord",
		}},
		{"verification_words", []string{
			"verification code", "security code", "one time password", "one time code", "login code", "sign in code", "confirm your email", "verify your email", "activate your account",
			"bestätigungscode", "sicherheitscode", "einmalpasswort", "anmeldecode", "e mail adresse bestätigen", "e mail adresse zu bestätigen", "konto aktivieren",
			"code de vérification", "code de sécurité", "code de connexion", "confirmez votre adresse", "confirmer votre adresse", "activer votre compte",
			"código de verificación", "código de seguridad", "código de acceso", "confirme su correo", "confirma tu correo", "active su cuenta", "activa tu cuenta",
			"verificatiecode", "beveiligingscode", "inlogcode", "bevestig uw e mailadres", "bevestig je e mailadres", "activeer uw account", "activeer je account",
		}},
		{"activity_words", []string{
			"mentioned you", "commented on", "new comment", "replied to your", "assigned to you", "assigned you", "invited you to", "sent you a message", "new follower", "shared with you", "alert triggered", "is down", "build failed",
			"hat sie erwähnt", "hat dich erwähnt", "hat kommentiert", "neuer kommentar", "hat ihnen eine nachricht", "hat dir eine nachricht", "wurde ihnen zugewiesen", "wurde dir zugewiesen", "hat dich eingeladen",
			"vous a mentionné", "a commenté", "nouveau commentaire", "vous a envoyé un message", "vous a invité", "vous a été attribué",
			"te ha mencionado", "le ha mencionado", "ha comentado", "nuevo comentario", "te ha enviado un mensaje", "te ha invitado",
			"heeft je genoemd", "heeft u genoemd", "heeft gereageerd", "nieuwe reactie", "heeft je een bericht", "heeft je uitgenodigd",
		}},
		{"security_words", []string{
			"new sign in", "new login", "security alert", "unusual activity", "suspicious activity",
			"neue anmeldung", "neuer login", "sicherheitswarnung", "ungewöhnliche aktivität",
			"nouvelle connexion", "alerte de sécurité", "activité inhabituelle", //nolint:misspell // it is French
			"nuevo inicio de sesión", "alerta de seguridad", "actividad inusual",
			"nieuwe aanmelding", "beveiligingswaarschuwing", "ongebruikelijke activiteit",
		}},
		{"promotion_words", []string{
			"% off", "free shipping", "limited time", "special offer", "shop now", "buy now", "discount code", "last chance", "black friday",
			"% rabatt", "rabattcode", "gutscheincode", "jetzt kaufen", "jetzt shoppen", "nur für kurze zeit", "versandkostenfrei", "sonderangebot", "unsere angebote",
			"% de réduction", "% de remise", "code promo", "offre spéciale", "offre limitée", "livraison gratuite", "livraison offerte", "profitez en",
			"% de descuento", "código de descuento", "oferta especial", "envío gratis", "compra ahora", "última oportunidad", "nuestras ofertas",
			"% korting", "kortingscode", "speciale aanbieding", "gratis verzending", "shop nu", "laatste kans", "onze aanbiedingen",
		}},
		{"newsletter_words", []string{
			"newsletter", "view in browser", "view this email in your browser", "you are receiving this email because", "you received this email because",
			"im browser ansehen", "im browser anzeigen", "sie erhalten diese e mail weil", "sie erhalten diesen newsletter",
			"lettre d information", "infolettre", "voir dans le navigateur", "version en ligne", "vous recevez cet e mail", "vous recevez cet email",
			"boletín", "ver en el navegador", "recibe este correo porque", "recibes este correo porque",
			"nieuwsbrief", "bekijk in browser", "bekijk in je browser", "bekijk de webversie", "u ontvangt deze e mail", "je ontvangt deze e mail",
		}},
	})
}

// subjectPhrases are looked for in the subject alone: in a body, a person may
// well write that she is out of office on Monday.
func subjectPhrases() []phrase {
	return flatten([]topic{
		{"out_of_office_subject", []string{
			"out of office", "out of the office", "automatic reply", "auto reply", "autoreply", "auto response",
			"automatische antwort", "abwesenheitsnotiz", "abwesenheitsbenachrichtigung", "nicht im büro",
			"réponse automatique", "absence du bureau", "message d absence",
			"respuesta automática", "fuera de la oficina",
			"automatisch antwoord", "automatisch bericht", "afwezigheidsbericht", "niet aanwezig",
		}},
		{"undelivered_subject", []string{
			"undelivered mail", "undeliverable", "delivery status notification", "mail delivery failed", "delivery failure", "returned mail", "failure notice",
			"unzustellbar", "nicht zustellbar",
			"non remis", "échec de la remise", "échec de livraison",
			"no se puede entregar", "no entregado", "entrega fallida",
			"onbestelbaar", "niet bezorgd",
		}},
	})
}
