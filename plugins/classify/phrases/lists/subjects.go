package lists

// subjects lists what is looked for in the subject alone. "Out of office" in a
// subject is a machine's; in a body a person may say so of Monday.
func subjects() []topic {
	return []topic{
		{"out_of_office_subject", `
auto reply; auto response; automated reply; automatic reply; autoreply; autoresponder; out of office; out of the office

abwesend; abwesenheit; abwesenheitsbenachrichtigung; abwesenheitsmeldung; abwesenheitsnotiz; automatische antwort; nicht im büro

absence; absence du bureau; absent; message d absence; réponse automatique

ausencia; ausente; fuera de la oficina; respuesta automática

afwezig; afwezigheid; afwezigheidsbericht; automatisch antwoord; automatisch bericht; automatische reactie; met verlof; niet aanwezig

assente; assenza; fuori sede; fuori ufficio; risposta automatica

ausente; ausência; fora do escritório; resposta automática

automatyczna odpowiedź; autoodpowiedź; nieobecna; nieobecność; nieobecny; odpowiedź automatyczna; poza biurem
`},
		{"undelivered_subject", `
delayed mail; delivery delayed; delivery failed; delivery failure; delivery has failed; delivery status notification; failure notice;
mail delivery failed; mail delivery failure; returned mail; undeliverable; undelivered; undelivered mail; warning message

nicht zugestellt; nicht zustellbar; unzustellbar; zustellung fehlgeschlagen; zustellung verzögert

non distribué; non remis; remise différée; échec de distribution; échec de la remise; échec de livraison; échec de remise

entrega fallida; entrega retrasada; error de entrega; no entregado; no se puede entregar; notificación de estado de entrega

aflevering mislukt; bezorging mislukt; niet afgeleverd; niet bezorgd; onbestelbaar

consegna non riuscita; mancata consegna; mancato recapito; non recapitabile; non recapitato; notifica sullo stato

estado da entrega; falha de entrega; falha na entrega; notificação de status; não entregue; não foi entregue

błąd dostarczania; nie można dostarczyć; niedoręczona; niedostarczona; niedostarczone; powiadomienie o stanie dostarczenia;
zwrot wiadomości
`},
		{"account_words", `
bem vinda a; bem vinda ao; bem vindo a; bem vindo ao; bem vindo à; benvenuta in; benvenuta su; benvenuto in; benvenuto su; bienvenida a;
bienvenido a; bienvenue chez; bienvenue sur; welcome to; welkom bij; willkommen bei; witaj w; witamy w
`},
	}
}

// labels lists what mail programs put before a subject with a colon, in all
// languages.
func labels() []topic {
	return []topic{
		{"reply_subject", `
antw; antwort; aw; odp; r; re; resp; rif; sv; vs
`},
		{"forward_subject", `
doorst; enc; fw; fwd; i; inoltra; pd; reenv; rv; tr; transf; weitergeleitet; wg
`},
		{"read_receipt_subject", `
gelesen; gelezen; letto; leído; lida; lido; lu; no leído; non lu; not read; przeczytano; read; ungelesen
`},
		{"press_words", `
communiqué; communiqué de presse; comunicado de imprensa; comunicato stampa; informacja prasowa; komunikat prasowy; media release;
news release; nota de imprensa; nota de prensa; persbericht; press release; presseinformation; pressemitteilung
`},
		{"calendar_subject", `
accepted; canceled; canceled event; cancelled; cancelled event; declined; tentative; tentatively accepted; updated invitation

abgelehnt; abgesagt; aktualisierte einladung; angenommen; mit vorbehalt; terminabsage; zugesagt

accepté; invitation mise à jour; provisoire; refusé; événement annulé

aceptada; aceptado; evento cancelado; invitación actualizada; provisional; rechazada; rechazado

afgewezen; bijgewerkte uitnodiging; geaccepteerd; geannuleerd; onder voorbehoud; voorlopig

accettata; accettato; evento annullato; invito aggiornato; provvisorio; rifiutato

aceite; aceito; convite atualizado; provisório; recusado

odrzucone; odrzucono; wstępnie; zaakceptowane; zaakceptowano; zaktualizowane zaproszenie
`},
	}
}
