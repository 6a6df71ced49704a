package main

import (
	"slices"
	"strings"
)

// mailerSignal judges X-Mailer or User-Agent.
func mailerSignal(value string) string {
	switch {
	case containsAny(value, "mailchimp", "sendinblue", "brevo", "mailerlite", "klaviyo", "cleverreach", "campaign", "phplist",
		"newsletter", "hubspot", "constant contact", "rapidmail", "mailjet", "activecampaign", "sendy", "inxmail", "acymailing",
		"freshmail", "getresponse", "e-goi", "egoi", "mailup", "spotler", "laposta", "sarbacane", "acumbamail", "mautic", "mailpoet"):
		return "bulk_mailer"
	case containsAny(value, "zendesk", "osticket", "freshdesk", "otrs", "zammad", "znuny", "request tracker", "help scout", "freescout", "uvdesk"):
		return "help_desk"
	case containsAny(value, "thunderbird", "apple mail", "iphone mail", "ipad mail", "microsoft outlook", "k-9 mail", "mutt",
		"evolution", "claws mail", "kmail", "roundcube", "airmail", "emclient", "the bat!", "mailspring", "fairemail", "open-xchange",
		"zimbra", "horde", "sogo", "squirrelmail", "rainloop", "snappymail", "ymail", "gnus", "geary", "betterbird", "sylpheed", "seamonkey"):
		return "personal_mailer"
	case containsAny(value, "phpmailer", "php/", "swiftmailer", "symfony", "nodemailer", "drupal", "wordpress", "redmine", "jira", "javamail",
		"moodle", "nextcloud", "joomla", "typo3", "shopware", "magento", "prestashop", "mime-lite", "system.net.mail", "cdo"):
		return "program_mailer"
	}
	return ""
}

// messageIDSignal knows what made an id, by its form. The value is as it was sent.
func messageIDSignal(value string) string {
	value = strings.Trim(value, "<>")
	local, host := value, value
	if at := strings.LastIndexByte(value, '@'); at >= 0 {
		local, host = value[:at], strings.ToLower(value[at+1:])
	}
	switch {
	case containsAny(host, "amazonses.com", ".ses.", "mandrill", "mtasv.", "sparkpost"):
		return "mail_service"
	case containsAny(host, "sendgrid", "geopod-ismtpd", "mailgun", "mailjet", "sendinblue", "brevo", "mailin.", "mcsv.net", "rsgsv.net",
		"mcdlv.net", "cmail"):
		return "mailing_service"
	case strings.Contains(local, "JavaMail") || isCounters(local):
		return "program_mailer"
	case isUpperUUID(local), // Apple Mail, K-9
		strings.HasPrefix(local, "CA") && strings.HasPrefix(host, "mail.") && strings.ContainsAny(local, "=+"), // Gmail
		strings.HasPrefix(local, "trinity-"),    // GMX, web.de
		strings.HasSuffix(host, ".outlook.com"): // Exchange Online
		return "personal_mailer"
	}
	return ""
}

// isCounters reports whether an id is of three numbers or more, as those of Java
// are: "1234567.89.1700000000000".
func isCounters(local string) bool {
	return strings.Count(local, ".") >= 2 && strings.Trim(local, "0123456789.") == ""
}

func isUpperUUID(s string) bool {
	const form = "XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX"
	if len(s) != len(form) {
		return false
	}
	for i := range len(s) {
		isHex := '0' <= s[i] && s[i] <= '9' || 'A' <= s[i] && s[i] <= 'F'
		if (form[i] == '-') != (s[i] == '-') || form[i] == 'X' && !isHex {
			return false
		}
	}
	return true
}

// fromSignal judges a From field in lower case: the address, and where that says
// nothing, a name such as "Ann Lee via Service".
func fromSignal(value string) string {
	if signal := senderSignal(localPart(value)); signal != "" && signal != "role_sender" {
		return signal
	}
	name := strings.TrimSpace(value[:max(0, strings.LastIndexByte(value, '<'))])
	if containsAny(name, " via ", "(via ") {
		return "via_sender"
	}
	return senderSignal(localPart(value))
}

// senderSignal judges the part of the From address before the @.
func senderSignal(local string) string {
	plain := strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	switch {
	case strings.Contains(plain, "dmarc"): // also of noreply-dmarc@
		return "system_sender"
	case containsAny(plain, "noreply", "donotreply", "nepasrepondre", "pasdereponse", "noresponder", "norespond", "noresponda", "naoresponda",
		"naoresponder", "nichtantworten", "keineantwort", "nietbeantwoorden", "geenantwoord", "nonrispondere", "nieodpowiadaj", "nieodpisuj"):
		return "no_reply_sender"
	case plain == "mailerdaemon":
		return "delivery_report"
	case containsAny(plain, "notification", "notificac", "notifiche", "benachrichtigung", "meldingen", "powiadomieni"):
		return "alert_sender"
	}
	// "orders+4711@" and "orders-eu@" are orders@.
	word := local
	if i := strings.IndexAny(local, "+-._"); i > 0 {
		word = local[:i]
	}
	for _, s := range senders() {
		if slices.Contains(s.locals, local) || slices.Contains(s.locals, word) {
			return s.signal
		}
	}
	return ""
}

// senders says what the first word of an address stands for.
func senders() []struct {
	signal string
	locals []string
} {
	return []struct {
		signal string
		locals []string
	}{
		{"system_sender", []string{
			"root", "cron", "daemon", "www-data", "nobody", "logwatch", "backup", "backups", "nas", "sicherung", "sauvegarde", "copias", "postmaster",
			"autoreply", "autoresponder",
		}},
		{"alert_sender", []string{
			"notify", "alert", "alerts", "alertas", "alerta", "alerte", "alertes", "alarm", "allarmi", "alerty", "monitor", "monitoring", "nagios", "zabbix",
			"status", "jira", "jenkins", "gitlab", "github", "gitea", "redmine", "wiki", "confluence", "tracker", "calendar", "calendario", "kalender",
			"suchauftrag", "security-alert", "voicemail", "convites", "invitations", "expiry", "updates-noreply", "digest", "messages",
		}},
		{"newsletter_sender", []string{
			"newsletter", "newsletters", "news", "marketing", "offers", "promo", "promos", "promotions", "deals", "angebote", "ofertas", "offres", "offerte",
			"nieuwsbrief", "aanbiedingen", "boletin", "infolettre", "mailing", "oferty", "promocje", "promocoes", "novidades", "aktionen", "info-lettre",
		}},
		{"business_sender", []string{
			"order", "orders", "billing", "invoice", "invoices", "invoicing", "receipts", "payments", "payment", "booking", "bookings", "reservations",
			"tickets", "shipping", "shipment", "delivery", "tracking", "track", "checkout", "shop-orders", "bestellung", "bestellungen", "rechnung",
			"rechnungen", "buchung", "buchungen", "reservierung", "versand", "paket", "termine", "commande", "commandes", "facture", "factures", "facturation", //nolint:misspell // it is French
			"reservation", "livraison", "colis", "pedidos", "pedido", "facturas", "facturacion", "reservas", "reserva", "envios", "recibos", "suscripciones",
			"bestelling", "bestellingen", "factuur", "facturen", "boeking", "reserveringen", "bezorging", "ordini", "ordine", "fatture", "prenotazioni",
			"spedizioni", "biglietti", "encomendas", "faturas", "faturacao", "bilhetes", "zamowienia", "zamowienie", "faktury", "rezerwacje", "bilety", "platnosci",
		}},
		{"role_sender", []string{
			"info", "hello", "hi", "contact", "support", "service", "help", "team", "office", "mail", "post", "admin", "sales", "events", "care", "customer",
			"hallo", "kontakt", "kundenservice", "vertrieb", "bonjour", "serviceclient", "hola", "contacto", "soporte", "tienda", "atencion", "klantenservice",
			"administratie", "ciao", "assistenza", "ola", "apoio", "suporte", "contato", "contacto", "biuro", "pomoc", "sklep", "shop", "store", "accounts", "account",
			"security", "securite", "members", "membership",
		}},
	}
}

// localPart returns what stands before the last @ of a From field: the text in
// angle brackets, if there are any, is the address.
func localPart(from string) string {
	from = from[strings.LastIndexByte(from, '<')+1:]
	at := strings.LastIndexByte(from, '@')
	if at < 0 {
		return strings.Trim(from, " >") // a system's own "root"
	}
	return strings.TrimSpace(from[:at])
}
