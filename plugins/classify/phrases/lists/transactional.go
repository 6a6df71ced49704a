//nolint:misspell // most of it is no English
package lists

// transactional lists what is written of a piece of business. It speaks to the
// customer: "your invoice" is here, "invoice" is not, since people write about
// invoices too.
func transactional() []topic {
	return []topic{
		{"billing_words", `
amount charged; amount due; amount paid; been charged; billing period; card ending in; card was declined; could not be charged;
could not process; credited to; declined your card; direct debit; donation receipt; failed to charge; gift receipt; has been refunded;
insufficient funds; invoice attached; invoice date; invoice is available; invoice number; new invoice; next billing; next payment;
official receipt; payment confirmation; payment could not; payment declined; payment failed; payment has been received; payment is due;
payment received; payment successful; payment was declined; payment was successful; process your payment; receipt for your;
receipt from; refund has been; refund is; refund of; refunded to; retry your payment; tax receipt; thank you for your donation;
thank you for your generous; thank you for your gift; thank you for your payment; total amount; total paid; tried to charge;
unable to process your; update your card; update your payment; vat included; we have charged; we have credited; we have refunded;
we ve refunded; will be charged; you have been charged; your bill; your donation has; your donation of; your invoice; your payment;
your plan renews; your receipt; your refund; your statement; your statement is; your subscription payment

bezahlt mit; bezahlt per; bitte überweisen; danke für deine spende; danke für ihre spende; danken ihnen für ihre spende; deine rechnung;
deine zahlung; erstatten wir; fälliger betrag; geld zurück; gesamtbetrag; gesamtsumme; gutgeschrieben; haben wir erstattet;
ihre abrechnung; ihre erstattung; ihre gutschrift; ihre karte; ihre quittung; ihre rechnung; ihre rechnung für; ihre spende von;
ihre spende über; ihre zahlung; ihre zahlungsmethode; im anhang ihre rechnung; inkl mwst; konnte nicht abgebucht werden;
konnten wir nicht abbuchen; kreditkarte konnte; lastschrift wurde; lastschrift über; mandatsreferenz; mangels deckung; nicht abgebucht;
nicht eingezogen; offene betrag; offener betrag; per lastschrift; rechnung anbei; rechnung finden sie; rechnungsbetrag; rechnungsdatum;
rückerstattung; rücklastschrift; sepa lastschrift; sepa mandat; spendenbescheinigung; spendenquittung; vielen dank für ihre spende;
wird eingezogen; wird erstattet; wurde erstattet; zahlung eingegangen; zahlung erhalten; zahlung fehlgeschlagen;
zahlung ist eingegangen; zahlung ist fehlgeschlagen; zahlung konnte; zahlung nicht; zahlungsbestätigung; zahlungseingang;
zahlungserinnerung; zahlungsmethode; zahlungsziel; zuwendungsbestätigung; überweisen sie

a été remboursé*; abonnement renouvelé; carte expirée; confirmation de paiement; consulter ma facture; date de prélèvement;
facture acquittée; facture est disponible; merci de votre don; merci pour votre don; merci pour votre générosité; montant dû;
montant total; montant ttc; n a pas pu être prélevé*; numéro de facture; paiement a été; paiement accepté; paiement confirmé;
paiement effectué; paiement n a pas; paiement refusé; paiement reçu; provision insuffisante; prélevé le; prélèvement a été;
prélèvement rejeté; rejeté par votre banque; remboursé sur; remboursés sur; renouvellement de votre; reste à payer; reçu fiscal;
reçu pour; sera prélevé*; sera remboursé*; somme due; ta facture; total payé; total ttc; total à payer; télécharger la facture;
votre carte bancaire; votre don de; votre facture; votre facture est; votre moyen de paiement; votre paiement; votre prélèvement;
votre quittance; votre relevé; votre remboursement; votre reçu; votre échéance; vous avons remboursé; échec du paiement

abonado en; adeudo; cantidad pendiente; cargo en; certificado de donación; confirmación de pago; descargar la factura; devolución de;
devuelto por; domiciliación; factura adjunta; factura disponible; fecha de factura; fondos insuficientes; forma de pago;
gracias por su donación; gracias por su donativo; gracias por tu donación; gracias por tu donativo; ha sido devuelto; hemos devuelto;
hemos recibido el pago; hemos reembolsado; hemos renovado tu suscripción; importe pendiente; importe total; iva incluido;
le hemos devuelto; método de pago; no hemos podido cobrar; número de factura; pago confirmado; pago correcto; pago fallido; pago no;
pago realizado; pago rechazado; pago recibido; próxima renovación; recibo de; recibo devuelto; recibo ha sido; reembolsado; renovado su;
renovado tu; saldo insuficiente; se ha abonado; su donación de; su extracto; su factura; su factura está; su pago; su recibo;
su tarjeta; suscripción renovada; tarjeta caducada; tarjeta terminada en; te hemos devuelto; total a pagar; total pagado;
tu donación de; tu factura; tu factura está; tu pago; tu recibo; tu tarjeta

abonnement verlengd; afgeschreven; automatische incasso; bedankt voor je donatie; bedankt voor je gift; bedankt voor uw donatie;
bedankt voor uw gift; betaal het bedrag; betaal voor; betaalbewijs; betaald met; betaald via; betaalde bedrag; betaallink;
betaling gelukt; betaling geslaagd; betaling is gelukt; betaling is mislukt; betaling mislukt; betaling niet; betaling ontvangen;
betalingsbevestiging; bijgevoegd de factuur; factuur in de bijlage; factuur staat; factuurdatum; gestorneerd; giftbevestiging;
incasso is; incasso van; incassomachtiging; incl btw; je betaalmethode; je betaling; je creditcard; je donatie van; je factuur;
je factuur staat; kon niet worden afgeschreven; kon niet worden geïncasseerd; niet afgeschreven; nog te betalen; onvoldoende saldo;
openstaand bedrag; saldo onvoldoende; te betalen bedrag; terugbetaald; terugbetaling; terugbetaling van; teruggeboekt; teruggestort;
terugstorting; totaal betaald; totaalbedrag; uw afschrift; uw betaalmethode; uw betaling; uw donatie van; uw factuur; uw factuur staat;
uw gift van; wordt afgeschreven

abbiamo rimborsato; abbonamento rinnovato; accreditato; addebitato; addebito non; addebito è; bolletta; carta scaduta;
conferma di pagamento; data fattura; fattura in allegato; fattura è disponibile; fondi insufficienti; grazie per la sua donazione;
grazie per la tua donazione; il suo pagamento; il tuo estratto; il tuo pagamento; importo da pagare; importo dovuto; importo totale;
insoluto; iva inclusa; la sua carta; la sua donazione di; la sua fattura; la tua carta; la tua donazione di; la tua fattura;
la tua ricevuta; la vostra fattura; metodo di pagamento; non è stato possibile addebitare; numero fattura; pagamento andato;
pagamento confermato; pagamento effettuato; pagamento non andato; pagamento non riuscito; pagamento ricevuto; pagamento rifiutato;
pagato con; regolarizzare; riaccreditat*; ricevuta di pagamento; ricevuta per; rimborsato; rimborso di; rimborso è; rinnovo del tuo;
scadenza pagamento; scarica la fattura; totale da pagare; totale ordine; totale pagato; è stato addebitato

a sua fatura; a tua fatura; boleto; cartão expirado; cartão terminado em; comprovativo de pagamento; confirmação de pagamento;
data da fatura; data de vencimento; devolvemos; débito direto; débito direto foi; fatura disponível; fatura em anexo; fatura recibo;
forma de pagamento; iva incluído; montante em dívida; método de pagamento; não foi possível cobrar; número da fatura; o seu cartão;
o seu donativo de; o seu extrato; o seu pagamento; o seu recibo; obrigado pelo donativo; obrigado pelo seu donativo; pagamento aprovado;
pagamento confirmado; pagamento efetuado; pagamento não; pagamento recebido; pagamento recusado; recibo de; reembolsado; reembolso de;
reembolso foi; reembolsámos; referência multibanco; renovação da sua; saldo insuficiente; seu cartão; seu pagamento; seu recibo;
sua doação de; sua fatura; subscrição renovada; total a pagar; total pago; valor a pagar; valor em dívida; valor total

brak środków; do zapłaty pozostało; dziękujemy za darowiznę; dziękujemy za wpłatę; faktura jest dostępna; faktura w załączniku;
kwota do zapłaty; kwota zwrotu; metoda płatności; nie mogliśmy pobrać; nie udało się pobrać; niewystarczające środki; numer faktury;
obciążona; odnowiliśmy; opłacone; państwa faktura; pobraliśmy; polecenie zapłaty; potwierdzenie darowizny; potwierdzenie płatności;
potwierdzenie wpłaty; potwierdzenie zapłaty; prosimy o wpłatę; prosimy o zapłatę; płatność nie; płatność nie powiodła;
płatność odrzucona; płatność otrzymana; płatność zakończona; płatność została; razem brutto; sposób płatności; subskrypcja odnowiona;
termin płatności; twoja darowizna w; twoja faktura; twoja karta; twoja płatność; twoją kartę; uregulowanie; w załączniku faktura;
wyciąg; zaległa; zapłacono; zapłacono kartą; zwracamy kwotę; zwracamy pełną; zwracamy pieniądze; zwrot kosztów; zwrot pieniędzy;
zwrot powinien; zwrot płatności; zwrot środków; zwróciliśmy; zwrócimy; środki wrócą; środki zostaną
`},
		{"order_words", `
confirmation of order; confirmation of your order; items ordered; order # confirmed; order cancelled; order confirmation;
order confirmed; order details; order has been; order has been received; order is being; order is confirmed; order number; order placed;
order received; order summary; order total; preparing your order; received your return; return has been; return label; rma; subtotal;
thank you for your order; thank you for your purchase; thanks for your order; thanks for your purchase; we ve received your order;
your order; your purchase; your return

auftragsbestätigung; auftragsnummer; bestellbestätigung; bestelldatum; bestellnummer; bestellte artikel; bestellung bestätigt;
bestellung eingegangen; bestellung erhalten; bestellung ist eingegangen; bestellung storniert; bestellung wurde; bestellübersicht;
dein einkauf; deine bestellung; deine retoure; deine rücksendung; deiner bestellung; ihr auftrag; ihr einkauf; ihre bestellung;
ihre retoure; ihre rücksendung; ihrer bestellung; retourenlabel; rücksendung ist; stornobestätigung; versandkosten;
vielen dank für deinen einkauf; vielen dank für ihren einkauf; wir haben ihre bestellung; wurde storniert; zwischensumme

a été annulé*; annulation de votre; articles commandés; bon de commande; commande a été; commande annulée; commande confirmée;
commande enregistrée; commande est bien; commande est confirmée; confirmation de commande; date de commande; frais de livraison;
frais de port; merci pour votre achat; merci pour votre commande; numéro de commande; préparons votre commande; retour a été;
sous total; suivre ma commande; ta commande; votre achat; votre commande; votre panier est validé; votre retour; étiquette retour

cancelación confirmada; confirmación de compra; confirmación de pedido; confirmación del pedido; estamos preparando su;
estamos preparando tu; etiqueta de devolución; fecha del pedido; gastos de envío; gracias por su compra; gracias por tu compra;
ha sido cancelada; ha sido cancelado; hemos recibido tu devolución; número de pedido; pedido cancelado; pedido confirmado; pedido está;
pedido ha sido; pedido recibido; resumen del pedido; su compra; su devolución; su pedido; subtotal; tu compra; tu devolución; tu pedido;
ver mi pedido

annuleringsbevestiging; bedankt voor je aankoop; bedankt voor uw aankoop; bestelbevestiging; besteldatum; bestelde artikelen;
bestelling bevestigd; bestelling geannuleerd; bestelling is; bestelling ontvangen; bestelnummer; is geannuleerd; je aankoop;
je bestelling; je retour; jouw bestelling; orderbevestiging; ordernummer; retour ontvangen; retourlabel; retourzending; subtotaal;
uw aankoop; uw bestelling; uw retour; verzendkosten; we hebben je bestelling; wij hebben uw bestelling

articoli ordinati; conferma d ordine; conferma dell ordine; conferma ordine; data ordine; dettagli dell ordine; etichetta di reso;
grazie per il tuo acquisto; grazie per il tuo ordine; il suo ordine; il tuo ordine; il tuo reso; numero d ordine; numero ordine;
ordine annullato; ordine confermato; ordine ricevuto; ordine è stato; reso ricevuto; riepilogo ordine; spese di spedizione;
stiamo preparando; subtotale; tuo acquisto; è stata annullata; è stato annullato

a sua compra; a sua devolução; a sua encomenda; a tua compra; a tua encomenda; confirmação da encomenda; confirmação de encomenda;
custos de envio; data da encomenda; devolução recebida; encomenda cancelada; encomenda confirmada; encomenda foi; encomenda recebida;
estamos a preparar; etiqueta de devolução; foi cancelad*; número da encomenda; número do pedido; obrigado pela sua compra;
obrigado pela tua compra; pedido confirmado; pedido foi recebido; portes de envio; resumo da encomenda; seu pedido; sua compra;
sua encomenda; subtotal

data zamówienia; dziękujemy za zakup*; dziękujemy za zamówienie; etykieta zwrotna; koszt dostawy; koszty dostawy; numer zamówienia;
otrzymaliśmy twoje zamówienie; otrzymaliśmy zamówienie; otrzymaliśmy zwrot; państwa zamówienie; potwierdzamy zamówienie;
potwierdzenie zamówienia; przyjęliśmy zamówienie; realizacja zamówienia; suma częściowa; szczegóły zamówienia; twoje zamówienie;
twojego zamówienia; twój zwrot; z zamówienia; zamówienie anulowane; zamówienie potwierdzone; zamówienie przyjęte; zamówienie zostało;
zamówione produkty; została anulowana; zostało anulowane; zwrot towaru
`},
		{"shipping_words", `
delivery attempt; delivery window; estimated delivery; has been delivered; has been dispatched; has been shipped; has shipped;
order is on its way; out for delivery; package is on its way; parcel is on its way; pick up point; ready for collection;
ready for pickup; ready to collect; shipping confirmation; track your; tracking number; was delivered; will be delivered; your courier;
your delivery; your driver; your package; your parcel; your shipment

abholbereit; ablageort; abstellgenehmigung; an dhl übergeben; auf dem weg zu dir; auf dem weg zu ihnen; bestellung ist unterwegs;
dein paket; deine sendung; heute zugestellt; ihr paket; ihre sendung; morgen zugestellt; packstation; paket ist unterwegs; paketbote;
paketshop; sendung ist unterwegs; sendung verfolgen; sendungsnummer; sendungsverfolgung; versandbestätigung; voraussichtliche lieferung;
voraussichtlicher liefertermin; wird heute zugestellt; wird zugestellt; wurde versandt; wurde versendet; wurde zugestellt;
zur abholung bereit; zustellung am; zustellversuch; zustellzeit

a été expédié*; a été livré*; bureau de poste; colis est en route; commande est en chemin; commande est en route; disponible en point;
en cours d acheminement; en cours de livraison; est en cours de livraison; livraison prévue; livrée à; numéro de suivi; point relais;
prêt à être retiré; sera livré aujourd hui; sera livré*; suivez votre colis; suivi de colis; suivre mon colis; tentative de livraison;
ton colis; votre colis; votre livraison

en reparto; entrega hoy; fecha de entrega; ha salido de; ha sido entregado; ha sido enviado; intento de entrega; listo para recoger;
número de seguimiento; oficina de correos; paquete está en camino; pedido está en camino; punto de recogida; recoger su paquete;
recoger tu paquete; seguimiento del envío; seguir mi pedido; su envío; su paquete; tu envío; tu paquete

afhaalpunt; bestelling is onderweg; bezorgmoment; bezorgpoging; is bezorgd; is verzonden; je bezorger; je pakket; je zending;
klaar om af te halen; ligt voor je klaar; ligt voor u klaar; morgen bezorgd; onderweg naar je; onderweg naar u; ophalen bij;
pakket is onderweg; pakketpunt; track en trace; track trace; uw pakket; uw zending; vandaag bezorgd; verwachte bezorging;
verwachte levering; verzendbevestiging; volg de bezorger; volg je pakket; wordt bezorgd; wordt vandaag bezorgd

armadietto; codice di tracciamento; consegna domani; consegna oggi; consegna prevista; consegnato oggi; il suo pacco; il tuo pacco;
in consegna oggi; la sua spedizione; la tua spedizione; numero di spedizione; numero di tracciamento; ordine è in arrivo;
ordine è in viaggio; pacco è in arrivo; pacco è in consegna; pronto per il ritiro; punto di ritiro; tentativo di consegna;
traccia la spedizione; ufficio postale; è stata spedita; è stato consegnato; è stato spedito

cacifo; código de rastreamento; em distribuição; em trânsito; encomenda está a caminho; encomenda vai a; entrega amanhã; entrega hoje;
entrega prevista; estação de correios; foi entregue; foi enviad*; foi expedid*; levantar a sua encomenda; número de rastreio;
o seu envio; pedido está a caminho; ponto de recolha; pronta a levantar; pronto para levantamento; saiu para entrega; seguir encomenda;
tentativa de entrega

doręczymy; gotowa do odbioru; kod odbioru; kurier doręczy; numer przesyłki; numer śledzenia; paczka czeka; paczka jest w drodze;
paczka została; paczkomat*; placówka pocztowa; przesyłka jest w drodze; przesyłka została; przewidywana dostawa; próba doręczenia;
punkt odbioru; twoja paczka; twoja przesyłka; twoją paczkę; wysłaliśmy paczkę; wysłaliśmy twoje; wysłaliśmy zamówienie;
zamówienie jest w drodze; została doręczona; została nadana; została wysłana; śledzenie przesyłki; śledź przesyłkę
`},
		{"booking_words", `
add it to your calendar; appointment at; appointment confirmed; appointment is confirmed; appointment on; appointment reminder;
bib number; boarding pass; booking confirmation; booking confirmed; booking id; booking is confirmed; booking number; booking reference;
cancel or reschedule; cancel your registration; coach #; concert has been cancelled; confirmation number; confirmation of booking;
confirmation of your booking; confirmation of your reservation; e ticket; entry confirmed; event has been cancelled; free cancellation;
has been postponed; join link; manage your booking; race number; registration confirmed; reservation confirmed;
reservation is confirmed; reservation number; show has been cancelled; table for #; table is booked; thank you for registering;
thanks for registering; to cancel or change; to reschedule; we look forward to welcoming you; you are registered; you re in;
you re registered; you re signed up; your appointment; your booking; your booking is; your entry; your flight; your itinerary;
your place is confirmed; your registration; your reservation; your seat is; your seats; your stay; your table; your ticket;
your tickets; your trip

anmeldebestätigung; anmeldung bestätigt; anmeldung ist bestätigt; anmeldung war erfolgreich; bestätigen wir ihren;
bestätigung ihrer anmeldung; bordkarte; buchung bestätigt; buchung ist bestätigt; buchungsbestätigung; buchungsnummer; dein startplatz;
dein termin; dein ticket; dein tisch; deine anmeldung; deine buchung; deine reise; deine reservierung; deine teilnahme; deine tickets;
du bist angemeldet; du bist dabei; einwahldaten; erfolgreich angemeldet; flugnummer; gebuchten termin; hinfahrt; ihr aufenthalt;
ihr flug; ihr startplatz; ihr termin; ihr ticket; ihr tisch; ihre anmeldung; ihre buchung; ihre buchung ist; ihre eintrittskarte*;
ihre fahrkarte; ihre reise; ihre reservierung; ihre teilnahme; ihre tickets; konzert wurde; reservierung bestätigt;
reservierung ist bestätigt; reservierungsbestätigung; reservierungsnummer; rückfahrt; sie sind angemeldet; sie sind dabei; sitzplatz;
startnummer; startunterlagen; teilnahmebestätigung; teilnehmerlink; termin absagen; termin bestätigt; termin verschieben;
terminbestätigung; terminerinnerung; tisch für; veranstaltung wurde; vorstellung wurde; wagen #; wir freuen uns auf ihren aufenthalt;
wurde abgesagt; wurde verschoben; zugangslink

a été reporté*; ajouter à votre; annuler ma réservation; annuler ou modifier; annuler votre réservation; billet électronique;
carte d embarquement; concert annulé; confirmation d inscription; confirmation de rendez vous; confirmation de réservation; dossard;
déplacer votre; e billet; en cas d empêchement; est reporté*; inscription a bien; inscription confirmée; inscription est confirmée;
inscription validée; lien d accès; lien de connexion au; modifier ou annuler; numéro de réservation; rappel de rendez vous;
rendez vous du; rendez vous est confirmé; rendez vous le; référence de réservation; réservation confirmée; réservation est confirmée;
spectacle annulé; table pour #; voiture #; vos billets; vos places; votre billet; votre consultation; votre dossard; votre inscription;
votre rendez vous; votre réservation; votre réservation est; votre séjour; votre table; votre vol; votre voyage;
vous êtes bien inscrit*; vous êtes inscrit à

anular la cita; cambiar la cita; cancelar o modificar; cita confirmada; cita el; cita para el; cita previa; coche #;
concierto cancelado; confirmación de cita; confirmación de la reserva; confirmación de reserva; confirmamos su cita;
confirmamos tu cita; confirmar su cita; código de reserva; dorsal; enlace de conexión; entradas adjuntas; está inscrito; estás dentro;
estás inscrito; evento aplazado; ha sido aplazada; ha sido aplazado; inscripción confirmada; inscripción correcta;
inscripción realizada; localizador; localizador de; mesa para #; modificar o cancelar; número de reserva; recordatorio de cita;
reserva confirmada; reserva está confirmada; su billete; su cita; su consulta médica; su entrada; su inscripción; su mesa; su reserva;
su reserva está; su viaje; su vuelo; sus entradas; tarjeta de embarque; tu billete; tu cita; tu dorsal; tu inscripción;
tu inscripción está; tu mesa; tu reserva; tu reserva está; tu viaje; tu vuelo; tus billetes; tus entradas

aanmelding is bevestigd; afspraak annuleren; afspraak bevestigd; afspraak is bevestigd; afspraak op; afspraak verzetten;
afspraakbevestiging; annuleren of wijzigen; boeking bevestigd; boeking is bevestigd; boekingsbevestiging; boekingsnummer; deelnamelink;
e tickets; heenreis; herinnering afspraak; inschrijving bevestigd; inschrijving is bevestigd; instapkaart; is afgelast; is uitgesteld;
is verplaatst; je aanmelding; je afspraak; je bent aangemeld; je bent erbij; je bent ingeschreven; je boeking; je doet mee;
je inschrijving; je kaarten; je plek is; je reis; je reservering; je startnummer; je tafel; je ticket; je tickets; je verblijf;
je vlucht; reservering bevestigd; reservering is bevestigd; reserveringsnummer; startbewijs; startnummer; tafel voor #; terugreis;
toegangsbewijs; toegangslink; u bent aangemeld; u bent ingeschreven; uw aanmelding; uw afspraak; uw afspraak op; uw boeking;
uw inschrijving; uw kaarten; uw plek is; uw reis; uw reservering; uw tafel; uw ticket; uw tickets; uw verblijf; uw vlucht;
verzetten of annuleren; zitplaats

appuntamento confermato; appuntamento del; appuntamento è confermato; cambia prenotazione; carta d imbarco; codice prenotazione;
concerto annullato; conferma appuntamento; conferma dell appuntamento; conferma della prenotazione; conferma di prenotazione;
conferma prenotazione; confermiamo il suo; confermiamo il tuo; confermiamo la sua prenotazione; confermiamo la tua prenotazione;
dettagli del biglietto; disdire l appuntamento; disdire o modificare; evento rinviato; i tuoi biglietti; il suo appuntamento;
il suo biglietto; il suo posto; il suo soggiorno; il suo viaggio; il suo volo; il tuo appuntamento; il tuo biglietto; il tuo soggiorno;
il tuo tavolo; il tuo viaggio; il tuo volo; iscrizione avvenuta; iscrizione confermata; iscrizione è confermata; la sua iscrizione;
la sua prenotazione; la tua iscrizione; la tua prenotazione; link per partecipare; modificare o cancellare; numero di prenotazione;
pettorale; pnr; prenotazione confermata; prenotazione è confermata; promemoria appuntamento; registrazione confermata;
scarica il biglietto; sei dei nostri; sei iscritto al; spettacolo annullato; spostare l appuntamento; tavolo per #; ti sei registrat*;
è stata rinviata; è stato rinviato

a sua consulta; a sua consulta de; a sua estadia; a sua inscrição; a sua marcação; a sua mesa; a sua reserva; a sua viagem;
a tua inscrição; a tua reserva; alterar ou cancelar; bilhete eletrónico; cancelar ou alterar; cartão de embarque; concerto cancelado;
confirmar a sua consulta; confirmação da reserva; confirmação de marcação; confirmação de reserva; consulta marcada; consulta no dia;
código da reserva; dorsal; espetáculo cancelado; está inscrito em; está inscrito no; está registado; evento adiado; foi adiad*;
inscrição confirmada; inscrição efetuada; inscrição foi; inscrição validada; lembrete de consulta; ligação de acesso;
marcação confirmada; marcação para; mesa para #; número da reserva; o seu bilhete; o seu voo; os seus bilhetes; reserva confirmada;
reserva está confirmada; seu ingresso; seu voo; seus ingressos; sua reserva; sua viagem

bilet elektroniczny; bilety z zamówienia; jesteś na liście; jesteś zapisan*; karta pokładowa; koncert odwołany; link do spotkania;
link do webinaru; link dostępu; miejsce #; numer rezerwacji; numer startowy; odwołanie wizyty; odwołać lub; odwołać wizytę;
pakiet startowy; potwierdzamy rezerwację; potwierdzamy wizytę; potwierdzenie rejestracji; potwierdzenie rezerwacji;
potwierdzenie wizyty; potwierdzenie zapisu; przypomnienie o wizycie; rejestracja potwierdzona; rejestracja przebiegła;
rezerwacja potwierdzona; rezerwacja została; spektakl odwołany; stolik dla; termin wizyty; twoja podróż; twoja rezerwacja; twoja wizyta;
twoje bilety; twoje zgłoszenie na; twoją rezerwację; twój bilet; twój lot; twój pobyt; umówiona wizyta; wizyta dnia;
wizyta potwierdzona; wizyta w dniu; wydarzenie odwołane w; zapis potwierdzony; zarejestrowano cię; został odwołany; został przełożony;
została przełożona; zostało odwołane
`},
		{"account_words", `
account activated; account has been activated; account has been closed; account has been created; account has been deleted;
account is ready; cancellation confirmed; change of address confirmed; confirm your cancellation; document is missing;
documents are missing; documents we need; get started by; membership confirmed; missing document*; please send us the missing;
ready to download; subscription has been cancelled; subscription has been renewed; thank you for joining; thank you for signing up;
thanks for joining; thanks for signing up; we have cancelled; we need a few; we still need; we ve cancelled; welcome aboard;
welcome to your; your account has; your account is now; your application is incomplete; your application number; your cancellation;
your data export; your data is ready; your details have been; your download is ready; your email address has been changed;
your export is ready; your membership card; your membership has been; your new account; your policy; your subscription will renew;
your username is

adressänderung; benötigen wir noch; bestätigen deine kündigung; bestätigen ihre kündigung; bitte reichen; danke für deine registrierung;
danke für ihre registrierung; datenexport; dein benutzername; dein konto ist; dein konto wurde; dein neues konto; deine kündigung;
deine zugangsdaten; fehlen uns noch; fehlende unterlagen; fehlt uns; haben ihre kündigung; herzlich willkommen bei; ihr benutzername;
ihr konto ist; ihr konto wurde; ihr neues konto; ihre daten wurden; ihre kündigung; ihre vertragsunterlagen; ihre zugangsdaten;
konto aktiviert; konto ist aktiv; konto ist jetzt; konto wurde angelegt; konto wurde erstellt; konto wurde gelöscht;
kündigung bestätigt; kündigung eingegangen; kündigung erhalten; kündigung zum; kündigungsbestätigung; mitgliedsausweis;
mitgliedschaft endet; nachzureichen; noch folgende unterlagen; registrierung abgeschlossen; steht zum download bereit; vertrag endet;
vielen dank für deine registrierung; vielen dank für ihre registrierung; wir benötigen noch; zugangsdaten; änderung bestätigt

abonnement a été; changement d adresse; compte a été supprimé; compte activé; compte est activé; compte est créé;
confirmation de résiliation; demande de résiliation; document manquant; documents manquants; dossier incomplet; est incomplet;
export de vos données; il nous manque; merci de nous faire parvenir; merci de nous transmettre; merci de votre inscription;
merci pour votre inscription; pièce justificative; pièce manquante; pièces manquantes; prêt à être téléchargé; résiliation confirmée;
résilié*; vos coordonnées ont; vos identifiants; votre adhésion; votre compte a; votre compte a été créé; votre compte est;
votre identifiant; votre nouveau compte; votre résiliation; votre résiliation a

baja confirmada; baja tramitada; bienvenida a; bienvenido a; cambio de domicilio; cancelación de su; cancelación de tu;
confirmación de baja; cuenta activada; cuenta creada; datos de acceso; datos han sido actualizados; documentación pendiente;
documento pendiente; está incompleta; exportación de datos; falta documentación; falta un documento; gracias por registrarse;
gracias por registrarte; hemos cancelado; hemos tramitado su baja; hemos tramitado tu baja; le damos la bienvenida; nos faltan;
registro completado; solicitud incompleta; su baja; su cuenta ha sido; su cuenta ya; su expediente; su nombre de usuario;
su solicitud ha sido; te damos la bienvenida; tu baja; tu cuenta está; tu cuenta ha sido; tu cuenta ya; tu nombre de usuario;
tu nueva cuenta; tus datos de acceso

aan te leveren; abonnement opgezegd; account aangemaakt; account geactiveerd; account is geactiveerd; adreswijziging;
bedankt voor het aanmelden; bedankt voor je registratie; bedankt voor uw registratie; bevestiging opzegging; hebben we nog nodig;
hebben wij nog nodig; inloggegevens; is opgezegd; je abonnement is; je account is; je account staat; je gebruikersnaam;
je gegevens zijn; je inloggegevens; je nieuwe account; je opzegging; klaar om te downloaden; lidmaatschap eindigt; lidmaatschap is;
niet compleet; ontbreekt nog; ontbreken nog; ontbrekende documenten; opzegging is; opzegging ontvangen; uw abonnement is; uw account is;
uw account staat; uw gebruikersnaam; uw gegevens zijn; uw inloggegevens; uw opzegging; uw polis; we missen nog

abbiamo annullato; abbonamento disdetto; account attivato; account è attivo; account è stato creato; benvenuta in; benvenuta su;
benvenuto in; benvenuto su; caricare il documento; conferma di disdetta; credenziali di accesso; disdetta confermata;
documentazione incompleta; documentazione mancante; documenti mancanti; documento mancante; esportazione dei dati;
grazie per esserti registrat*; grazie per la registrazione; i tuoi dati sono stati; il suo abbonamento; il tuo abbonamento;
il tuo account è; il tuo nome utente; il tuo nuovo account; la sua disdetta; la sua pratica; la tua disdetta; la tua pratica;
le tue credenziali; manca ancora; mancano ancora; registrazione completata; variazione di indirizzo; è incompleta

a sua conta está; a sua conta foi; a sua nova conta; a sua subscrição; ainda falta; alteração de morada; bem vinda a; bem vinda ao;
bem vindo a; bem vindo ao; bem vindo à; cancelamento confirmado; cancelamento da sua; cancelámos; confirmação de cancelamento;
conta ativada; conta criada; dados de acesso; documentação em falta; documentação incompleta; documento em falta; documentos em falta;
está incompleta; está incompleto; exportação de dados; o seu nome de utilizador; o seu processo; obrigado pelo registo;
obrigado por se registar; os seus dados de acesso; os seus dados foram; por favor envie; registo concluído; sua assinatura;
sua conta está; sua conta foi

anulowaliśmy; brakuje nam; brakujące dokumenty; brakującego dokumentu; brakujący dokument; dane do logowania; dane logowania;
dziękujemy za rejestrację; dziękujemy za założenie; eksport danych; konto aktywowane; konto jest aktywne; konto zostało aktywowane;
konto zostało utworzone; niekompletne; niekompletny; państwa wniosek; potwierdzamy rezygnację; potwierdzamy wypowiedzenie;
potwierdzenie rezygnacji; prosimy o dostarczenie; prosimy o przesłanie; prosimy o uzupełnienie; prosimy uzupełnić;
rejestracja zakończona; twoja nazwa użytkownika; twoja rezygnacja; twoja subskrypcja; twoje dane zostały; twoje konto zostało;
twoje nowe konto; twój abonament; witaj w; wniosek jest; wypowiedzenie; zmiana adresu
`},
		{"password_reset_words", `
change your password; choose a new password; forgot your password; password reset; reset password; reset the password;
reset your password; set a new password; your password has been changed; your password was changed

kennwort vergessen; kennwort zurücksetzen; neues kennwort; neues passwort; passwort vergessen; passwort zurücksetzen;
passwort zurückzusetzen; passwort ändern

mot de passe oublié; nouveau mot de passe; réinitialisation de votre mot de passe; réinitialisation du mot de passe;
réinitialiser le mot de passe; réinitialiser mon mot de passe; réinitialiser votre mot de passe; réinitialisez votre mot de passe

cambiar tu contraseña; contraseña olvidada; nueva contraseña; recuperar la contraseña; recuperar tu contraseña;
restablece tu contraseña; restablecer la contraseña; restablecer su contraseña; restablecer tu contraseña;
restablecimiento de contraseña

nieuw wachtwoord; wachtwoord herstellen; wachtwoord opnieuw in te stellen; wachtwoord opnieuw instellen; wachtwoord resetten;
wachtwoord te herstellen; wachtwoord vergeten; wachtwoord wijzigen; wachtwoordherstel

nuova password; password dimenticata; recupero password; reimposta la password; reimposta la tua password; reimpostare la password;
reimpostare la tua password; reimpostazione della password; reimpostazione password; ripristino password

esqueceu a palavra passe; nova palavra passe; nova senha; recuperar a palavra passe; recuperação de palavra passe;
redefinir a palavra passe; redefinir a senha; redefinir a sua palavra passe; redefinir sua senha; redefinição de senha;
repor a palavra passe; repor a sua palavra passe

nie pamiętasz hasła; nowe hasło; odzyskiwanie hasła; reset hasła; resetowanie hasła; ustaw nowe hasło; zapomniałeś hasła; zmiana hasła;
zmienić hasło; zresetować hasło; zresetuj hasło
`},
		{"verification_words", `
access code; activate your account; authentication code; click below to confirm; click the link below to confirm; code expires;
code is valid; complete your registration; confirm it s you; confirm subscription; confirm that it s you; confirm you want;
confirm your account; confirm your address; confirm your email; confirm your newsletter; confirm your registration;
confirm your subscription; confirmation code; do not share; don t share this code; enter the code; enter this code; expires in # hours;
expires in # minutes; finish signing up; finish your registration; here is your link; here s your link; if you did not create;
if you didn t ask; if you didn t create; if you didn t request; if you didn t sign up; if you didn t try; link expires; link is valid;
log in code; log in link; login code; login link; magic link; never share; one time code; one time password; only be used once;
passcode; security code; sign in code; sign in link; someone entered; temporary code; this link is valid; two step; use this code to;
valid for # hours; valid for # minutes; verification code; verification link; verify your account; verify your email;
within the next # minutes; your code is; your login link; your one time

# minuten gültig; # stunden gültig; abonnement bestätigen; anmeldecode; anmeldelink; anmeldung bestätigen; anmeldung zum newsletter;
bestätige deine anmeldung; bestätige deine email; bestätigen sie ihre anmeldung; bestätigen sie ihre email; bestätigungscode;
bestätigungslink; code eingeben; code ist # minuten; code lautet; dein code lautet; deine bestätigung; einmal passwort; einmalcode;
einmalpasswort; email adresse bestätigen; email adresse zu bestätigen; emailadresse bestätigen; emailadresse zu bestätigen;
falls sie sich nicht; geben sie den code; geben sie diesen code; geben sie diesen code nicht; gib den code; gib diesen code;
gilt # minuten; gültig für # minuten; hast du dich nicht; ihr code lautet; ihre bestätigung; ihre tan; innerhalb von # minuten;
innerhalb von # stunden; klick auf den link; klicken sie auf den folgenden link; klicken sie auf den link um; konto aktivieren;
konto bestätigen; konto zu aktivieren; link ist # minuten; link ist # stunden; login link; newsletter bestätigen; nicht angefordert;
nicht angemeldet haben; nicht angemeldet hast; niemals weiter; nur noch ein klick; nur noch ein schritt; registrierung abschließen;
registrierung bestätigen; sicherheitscode; verifizierungscode; wenn du dich nicht; zugangscode; zwei faktor

activer mon compte; activer votre compte; activez votre compte; cliquez ci dessous pour; cliquez sur le lien pour confirmer;
code d accès; code de confirmation; code de connexion; code de sécurité; code de vérification; code est valable; code expire;
code à usage unique; confirmer mon adresse; confirmer mon inscription; confirmer votre adresse; confirmer votre email;
confirmer votre inscription; confirmez votre abonnement; confirmez votre adresse; confirmez votre email; confirmez votre inscription;
double authentification; entrer ce code; entrez ce code; expire dans # minutes; finaliser votre inscription; je confirme mon;
lien de connexion; lien est valable; lien expire; n avez pas demandé; n êtes pas à l origine; ne communiquez; ne le communiquez;
ne partagez; plus qu un clic; saisir ce code; saisissez ce code; utilisé qu une seule fois; valable # heures; valable # minutes;
valide # minutes; voici votre code; votre code est; vous n avez rien demandé

activa tu cuenta; activar tu cuenta; active su cuenta; caduca en # minutos; clave de un solo uso; completa tu registro;
complete su registro; confirma tu correo; confirma tu cuenta; confirma tu dirección; confirma tu suscripción; confirmar mi correo;
confirmar suscripción; confirme su correo; confirme su suscripción; código caduca; código de acceso; código de confirmación;
código de seguridad; código de un solo uso; código de verificación; código vence; doble factor; el código es; el enlace vale # horas;
enlace caduca; enlace de acceso; haga clic para confirmar; haz clic para confirmar; introduce el código; introduce este código;
introduzca el código; introduzca este código; no comparta; no compartas; no lo comparta; no lo compartas; nos confirmes;
si no fuiste tú; si no ha solicitado; si no has sido tú; si no has solicitado; si no lo ha solicitado; si no lo has pedido;
solo un paso más; su código de; su código es; tu código de; tu código es; verifica tu correo; válido durante # minutos; último paso

# minuten geldig; # uur geldig; aanmelding bevestigen; activeer je account; activeer uw account; als je je niet; beveiligingscode;
bevestig je aanmelding; bevestig je emailadres; bevestig je inschrijving; bevestig uw aanmelding; bevestig uw emailadres;
bevestig uw inschrijving; bevestigingscode; code is geldig; code verloopt; deel deze code; deel je code; dit niet hebt; dit niet heeft;
eenmalige code; heb je dit niet aangevraagd; heb je je niet; heeft u zich niet; inlogcode; inloglink; inschrijving bevestigen;
je code is; klik hieronder om te bevestigen; klik op de link om; kun je deze mail negeren; link is geldig; link verloopt;
negeer dan deze; niet aangevraagd; niet met anderen; niet zelf aangevraagd; nog een klik; nog één klik; nog één stap;
rond je registratie; toegangscode; tweestapsverificatie; uw code is; verificatiecode; voer de code; voer deze code; vul de code;
vul deze code

attiva il tuo account; autenticazione a due; clicca per confermare; clicca sul link per; clicchi per confermare; codice di accesso;
codice di conferma; codice di sicurezza; codice di verifica; codice monouso; codice otp; codice valido; completa la registrazione;
completa la tua registrazione; conferma il tuo account; conferma il tuo indirizzo; conferma iscrizione; conferma l iscrizione;
conferma la tua email; conferma la tua iscrizione; confermi il suo; confermi la sua; ecco il codice; ecco il tuo codice;
il codice scade; il codice è; il suo codice è; il tuo codice è; inserisca il codice; inserisci il codice; inserisci questo codice;
link di accesso; link valido; non comunicare; non comunicarlo; non condivida; non condividere; scade tra # minuti; scade tra # ore;
se non ha richiesto; se non hai richiesto; se non sei stato tu; se non ti sei; un ultimo passaggio; valido per # minuti;
verifica il tuo indirizzo; verifica la tua email

ative a sua conta; ative sua conta; autenticação de dois; clique na ligação; clique no link para; clique para confirmar;
complete o registo; conclua o registo; confirmar inscrição; confirmar o seu email; confirmar subscrição; confirme a sua conta;
confirme a sua inscrição; confirme a sua subscrição; confirme o seu email; confirme seu email; código de acesso; código de confirmação;
código de segurança; código de utilização única; código de verificação; código expira; código para confirmar; código válido;
digite o código; dois fatores; expira em # horas; expira em # minutos; insira o código; introduza este código; introduza o código;
ligação válida; link válido; nunca partilhe; não compartilhe; não foi você; não partilhe; o código é; o seu código é; se não fez;
se não pediu; se não solicitou; seu código é; verifique o seu email; válido durante # minutos; válido por # minutos

aktywacja konta; aktywuj konto; dokończ rejestrację; dwuetapow*; dwuskładnikow*; hasło jednorazowe; jeszcze jeden krok;
jeśli nie prosiłeś; jeśli nie zakładałeś; jeśli to nie; jeśli to nie ty; kliknij aby potwierdzić; kliknij poniższy; kliknij w link aby;
kod bezpieczeństwa; kod dostępu; kod jednorazowy; kod jest ważny; kod logowania; kod potwierdzający; kod sms; kod to; kod weryfikacyjny;
kod wygasa; link do logowania; link jest ważny; link wygasa; nie podawaj; nie udostępniaj; oto twój kod; potwierdź adres;
potwierdź rejestrację; potwierdź subskrypcję; potwierdź swój adres; potwierdź swój email; potwierdź zapis; potwierdź zapisanie;
twój kod to; użyj kodu aby; ważny # minut; ważny przez # godzin; ważny przez # minut; wpisz kod; wpisz ten kod; wprowadź kod;
wygasa za # minut; zweryfikuj adres
`},
	}
}
