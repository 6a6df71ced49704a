//nolint:misspell // most of it is no English
package lists

// automated lists how machines answer mails, and report on their own work.
func automated() []topic {
	return []topic{
		{"absence_words", `
am currently away; away from my desk; away from the office; away until; back in the office; closed for the holidays; currently on leave;
currently out; currently unavailable; email address has changed; has left the company; have left the company; i am away; i m away;
limited access to email; limited access to my email; my email address has changed; my new address is; new email address;
no access to email; no longer with; no longer work; no longer works; office is closed; on annual leave; on holiday until;
on leave until; on maternity leave; on parental leave; on sick leave; on vacation; our office is closed; out of office;
out of the office; return to the office; returning to the office; these are our opening hours; will be back on

ab dem # wieder; auf dienstreise; außer haus; betriebsferien; betriebsurlaub; bin derzeit nicht; bin ich im urlaub; bin momentan nicht;
bin zurzeit nicht; bis # abwesend; bleibt geschlossen; büro ist geschlossen; derzeit abwesend; derzeit im urlaub; ich bin abwesend;
ich bin im urlaub; im mutterschutz; im urlaub und; in elternzeit; in mutterschutz; krankgeschrieben; meine email adresse hat;
meine emailadresse hat; mutterschutz; neue email adresse; neue emailadresse; nicht im büro; nicht mehr bei der; nicht mehr für die;
nicht mehr im unternehmen; praxis ist geschlossen; unser büro ist; unsere praxis ist; unsere öffnungszeiten; unternehmen verlassen;
urlaubsbedingt; werkstatt ist geschlossen; wieder erreichbar ab; wieder für sie da; wieder im büro; zurzeit im urlaub; zurück bin ich

a quitté l entreprise; a quitté la société; absent*; accès limité à; actuellement absent*; actuellement en congé*; ai quitté;
bureau est fermé; bureaux sont fermés; de retour le; en arrêt maladie; en congé; en congé jusqu; en congé maternité; en congés;
en congés jusqu; en déplacement jusqu; en vacances jusqu; fermé pour congés; je serai de retour; je suis absent*; je suis en congé*;
ma nouvelle adresse; mon adresse a changé; mon adresse email a changé; ne travaille plus; nos horaires; notre bureau est; serai absent*;
à mon retour

a mi vuelta; acceso limitado; cerrado por vacaciones; cerrados por vacaciones; de baja médica; de baja por; de vacaciones del;
de vacaciones desde; de vacaciones hasta; estaré ausente; estaré de vacaciones; estaré de vuelta; estaré fuera; estoy ausente;
estoy de baja; estoy de vacaciones; fuera de la oficina; he dejado la empresa; me encuentro de; me encuentro fuera;
mi dirección ha cambiado; mi nueva dirección; mi regreso; nuestro horario; oficina permanecerá cerrada; permaneceremos cerrados;
permiso de maternidad; permiso de paternidad; vuelvo el; ya no trabaja; ya no trabajo

afwezig*; ben ik afwezig; ben ik met verlof; ben ik weer; ben met verlof; beperkt bereikbaar; beperkt toegang; emailadres is gewijzigd;
ik ben afwezig; ik ben er niet; ik ben met vakantie; ik ben op vakantie; ik ben weer; kantoor is gesloten; met vakantie tot;
met vakantie van; met verlof tot; met zwangerschapsverlof; mijn emailadres is; mijn nieuwe emailadres; momenteel afwezig; niet aanwezig;
niet meer werkzaam; niet op kantoor; nieuwe emailadres; onze openingstijden; op vakantie tot; op vakantie van; ouderschapsverlof;
vanaf # weer; we zijn gesloten; weer aanwezig; weer bereikbaar; werk niet meer; werkt niet meer; wij zijn gesloten; ziek thuis;
zijn we gesloten; zijn wij gesloten; zwangerschaps en; zwangerschapsverlof

accesso limitato; accesso limitato alla posta; al mio rientro; assente; assenza; chiusi per ferie; chiuso per ferie; fuori sede;
fuori ufficio; ho lasciato l azienda; i nostri orari; i nostri uffici; il mio indirizzo è cambiato; il mio nuovo indirizzo;
in ferie dal; in ferie fino; in malattia; in maternità; non lavora più; non lavoro più; rientrerò; rientro il; rimarranno chiusi;
rimarrà chiuso; sarò assente; sarò di nuovo; sarò fuori; sarò in ferie; sono assente; sono fuori; sono in ferie; tornerò in ufficio;
uffici sono chiusi; ufficio per ferie; ufficio è chiuso

acesso limitado; acesso muito limitado; de baixa médica; de férias até; de férias de; deixei a empresa; em trabalho de campo até;
encerrado para férias; encerrados para férias; encontro me ausente; encontro me de; encontro me de férias; encontro me em;
estamos encerrados; estarei ausente; estarei de férias; estarei de volta; estarei fora; estaremos encerrados; estou ausente;
estou de férias; estou fora; fora do escritório; já não trabalha; já não trabalho; licença de maternidade; licença de paternidade;
licença parental; o meu email mudou; o meu endereço mudou; o meu novo endereço; o nosso horário; regresso no dia

biuro będzie; biuro jest nieczynne; biuro nieczynne; będę na urlopie; będę nieobecn*; będę ponownie; jestem na urlopie;
jestem nieobecn*; już nie pracuje; już nie pracuję; mój adres uległ; mój adres zmienił; mój nowy adres; na urlopie do;
na urlopie macierzyńskim; na urlopie od; na zwolnieniu; na zwolnieniu lekarskim; nasze godziny otwarcia; nie pracuje już;
nie pracuję już; nieczynne; nieobecn*; ograniczony dostęp; poza biurem; przebywam na; przebywam na urlopie; przebywam poza; wracam #;
wracam do pracy; wrócę #; wrócę do
`},
		{"unattended_words", `
address is no longer; during my absence; emails will not be read; for urgent issues; for urgent matters; if it is urgent;
if your matter is urgent; if your request is urgent; in case of emergency; in my absence; in urgent cases; is no longer monitored;
is not being monitored; is not monitored; mailbox is not; messages will not be read; not be forwarded; not being forwarded;
please contact my colleague; please contact my successor; please use the new address; reply upon my return; reply when i return;
respond on my return; update your address book; will reply as soon as i am back

adresse wird nicht mehr; bei dringenden; bitte verwenden sie künftig; im notfall; in dringenden angelegenheiten; in dringenden fällen;
in meiner abwesenheit; mein kollege; meine kollegin; meine nachfolge*; meine vertretung; nach meiner rückkehr; nicht bearbeitet;
nicht gelesen; nicht weitergeleitet; postfach wird nicht; unter dieser adresse nicht mehr; wenden sie sich an; wenden sie sich bitte an;
wird nicht weitergeleitet; während meiner abwesenheit

adresse n est plus; boîte n est plus; durant mon absence; dès mon retour; en cas d urgence; en mon absence; merci d utiliser désormais;
merci de contacter; ne sera pas transféré; ne seront pas lus; ne sont pas lus; pas transférés; pendant mon absence; pour toute urgence;
veuillez contacter; vous pouvez contacter

contestaré a mi regreso; diríjase a; durante mi ausencia; en caso de urgencia; en mi ausencia; esta dirección ya no; este buzón no;
no se leerán; no se reenviarán; no se reenvían; no serán leídos; para asuntos urgentes; para urgencias; puede contactar con;
pueden contactar con; póngase en contacto con; responderé a mi vuelta; si es urgente

bij spoed; deze mailbox wordt niet; dit adres is niet meer; gebruik voortaan; in dringende gevallen; in mijn afwezigheid;
je bereikt haar; je bereikt hem; kun je contact opnemen met; kunt u contact opnemen met; mijn collega; mijn vervanger;
na mijn terugkeer; neem contact op met mijn; neemt groep; niet doorgestuurd; tijdens mijn afwezigheid; voor dringende;
voor dringende zaken; worden niet gelezen; wordt niet gelezen

durante la mia assenza; in caso di urgenza; in mia assenza; non saranno inoltrat*; non saranno letti; non verranno lette;
non verranno letti; per comunicazioni urgenti; per questioni urgenti; per urgenze; potete contattare; può contattare;
questa casella non; questo indirizzo non è più; risponderò al mio rientro; rivolgersi a; si prega di contattare

contacte a; contacte o; durante a minha ausência; em caso de urgência; esta caixa não; este endereço já não; na minha ausência;
não serão lidas; não serão lidos; não serão reencaminhad*; para assuntos urgentes; pode contactar; por favor contacte; queira contactar;
responderei no meu regresso; responderei quando regressar; se for urgente

nie będzie czytana; nie będą czytane; nie będą przekazywane; nie są czytane; nie są przekazywane; odpowiem po powrocie;
podczas mojej nieobecności; proszę kontaktować się z; proszę o kontakt z; ta skrzynka nie; ten adres jest już nieaktywny;
ten adres nie jest już; w czasie mojej nieobecności; w nagłych przypadkach; w pilnych sprawach; w sprawach pilnych; zastępuje mnie
`},
		{"acknowledgement_words", `
a support ticket; acknowledge receipt of; automated reply; automated response; automatic response; awaits moderator approval;
received your application; received your complaint; received your email; received your enquiry; received your feedback;
received your inquiry; received your message; received your query; received your request; received your support request;
received your ticket; reference number is; request has been logged; thank you for applying; thank you for contacting;
thank you for getting in touch; thank you for writing to; thank you for your email; thank you for your enquiry;
thank you for your interest in; thank you for your message; thank you for your patience; thanks for contacting;
thanks for getting in touch; thanks for reaching out to us; this is an auto reply; this is an automatic reply;
this is to confirm that we have received; ticket has been opened; we acknowledge receipt; we have logged your;
your application has been received; your case number; your email has been received; your enquiry has been received;
your message has arrived; your message has been received; your message is being held; your request has been received;
your ticket has been created

automatisch generierte antwort; automatische antwort; automatische eingangsbestätigung; automatische empfangsbestätigung;
bestätigen den eingang; bestätigen wir den eingang; danke für deine anfrage; danke für deine email; danke für deine mail;
danke für deine nachricht; danke für ihre anfrage; danke für ihre nachricht; dein anliegen erhalten; dein ticket wurde;
deine anfrage erhalten; deine bewerbung erhalten; deine email erhalten; deine mail erhalten; deine nachricht erhalten;
dies ist eine automatische antwort; eingang ihrer anfrage; eingang ihrer bewerbung; eingang ihrer email; eingang ihrer nachricht;
eingang ihres schreibens; eingangsbestätigung; empfangsbestätigung; hiermit bestätigen wir den eingang; ihr anliegen erhalten;
ihr schreiben erhalten; ihre anfrage erhalten; ihre bewerbung erhalten; ihre email erhalten; ihre mail erhalten; ihre meldung erhalten;
ihre nachricht erhalten; ihre rückmeldung erhalten; ist bei uns eingegangen; schön dass sie uns schreiben; ticket eröffnet;
ticket wurde erstellt; vielen dank für deine anfrage; vielen dank für deine bewerbung; vielen dank für deine email;
vielen dank für deine nachricht; vielen dank für ihre anfrage; vielen dank für ihre bewerbung; vielen dank für ihre email;
vielen dank für ihre nachricht; wir haben deine nachricht; wir haben ihre nachricht

accuse réception; accusons réception; accusé de réception; avons bien reçu; bien reçu votre candidature; bien reçu votre courriel;
bien reçu votre courrier; bien reçu votre demande; bien reçu votre email; bien reçu votre mail; bien reçu votre message;
bien été prise en compte; bien été reçu*; ceci est une réponse automatique; merci de nous avoir contactés; merci de nous avoir écrit;
merci de nous contacter; merci de votre message; merci pour votre candidature; merci pour votre demande; merci pour votre mail;
merci pour votre message; message automatique pour; nous est bien parvenu*; nous vous remercions de votre message;
réception de votre candidature; réception de votre demande; réception de votre message; réponse automatique; ticket a été créé;
votre demande a bien été; votre demande a été enregistrée; votre message a bien été reçu; votre message a été transmis;
votre message nous est bien parvenu; votre ticket

acuse de recibo; confirmamos la recepción; gracias por contactar; gracias por escribir; gracias por escribirnos;
gracias por ponerse en contacto; gracias por ponerte en contacto; gracias por su consulta; gracias por su correo;
gracias por su interés; gracias por su mensaje; gracias por tu consulta; gracias por tu correo; gracias por tu mensaje;
hemos recibido correctamente; hemos recibido su candidatura; hemos recibido su consulta; hemos recibido su correo;
hemos recibido su email; hemos recibido su mensaje; hemos recibido su petición; hemos recibido su reclamación;
hemos recibido su solicitud; hemos recibido tu candidatura; hemos recibido tu consulta; hemos recibido tu correo;
hemos recibido tu email; hemos recibido tu mensaje; hemos recibido tu petición; hemos recibido tu solicitud;
le confirmamos la recepción; mensaje automático para; respuesta automática; se ha creado el ticket; su consulta ha sido;
su correo ha sido recibido; su correo nos ha llegado; su mensaje ha sido recibido; su solicitud ha sido registrada; su ticket;
ticket creado; tu correo nos ha llegado; tu mensaje ha sido; tu mensaje ha sido recibido; tu mensaje nos ha llegado; tu ticket

automatisch antwoord; automatische ontvangstbevestiging; automatische reactie; bedankt voor het contact; bedankt voor je bericht;
bedankt voor je email; bedankt voor je mail; bedankt voor je sollicitatie; bedankt voor je vraag; bedankt voor uw bericht;
bedankt voor uw email; bedankt voor uw mail; bedankt voor uw sollicitatie; bedankt voor uw vraag; bevestigen de ontvangst;
bevestigen wij de ontvangst; dank u voor uw; dank voor je bericht; dank voor uw bericht; dank voor uw mail;
dit is een automatisch antwoord; dit is een automatische; fijn dat je ons mailt; je aanvraag ontvangen; je bericht is ontvangen;
je bericht ontvangen; je email ontvangen; je mail ontvangen; je melding ontvangen; je reactie ontvangen; je sollicitatie ontvangen;
je ticket is; je verzoek ontvangen; je vraag ontvangen; ontvangstbevestiging; ticket aangemaakt; uw aanvraag ontvangen;
uw bericht is ontvangen; uw bericht ontvangen; uw brief ontvangen; uw email ontvangen; uw klacht ontvangen; uw mail ontvangen;
uw melding ontvangen; uw reactie ontvangen; uw sollicitatie ontvangen; uw verzoek ontvangen; uw vraag ontvangen; we hebben je bericht;
wij hebben uw bericht

abbiamo ricevuto il suo; abbiamo ricevuto il tuo messaggio; apertura ticket; conferma di ricezione; confermiamo di aver ricevuto;
confermiamo la ricezione; grazie per averci contattato; grazie per averci scritto; grazie per il suo messaggio;
grazie per il tuo messaggio; grazie per la sua email; grazie per la sua richiesta; grazie per la tua email; grazie per la tua richiesta;
il suo messaggio è; il tuo messaggio è; la sua richiesta è stata; la tua richiesta è stata; messaggio è stato ricevuto; presa in carico;
preso in carico; ricevuto il suo messaggio; ricevuto il suo reclamo; ricevuto il tuo messaggio; ricevuto la sua candidatura;
ricevuto la sua email; ricevuto la sua mail; ricevuto la sua richiesta; ricevuto la sua segnalazione; ricevuto la tua candidatura;
ricevuto la tua email; ricevuto la tua mail; ricevuto la tua richiesta; ricevuto la tua segnalazione; richiesta è stata ricevuta;
risposta automatica; segnalazione è stata ricevuta; ticket aperto; ticket è stato creato; è stata protocollata

a sua mensagem foi recebida; acusamos a recepção; acusamos a receção; acusamos receção; agradecemos a sua mensagem;
agradecemos o contacto; agradecemos o seu contacto; agradecemos o seu email; aviso de receção; confirmamos a recepção;
confirmamos a receção; confirmação de receção; mensagem foi recebida; o seu email foi recebido; o seu pedido foi recebido; o seu ticket;
obrigado pela sua mensagem; obrigado pelo contacto; obrigado pelo seu contacto; obrigado pelo seu email; obrigado por entrar em contato;
obrigado por escrever; obrigado por nos contactar; obrigado por nos ter contactado; pedido foi registado; recebemos a sua candidatura;
recebemos a sua carta; recebemos a sua mensagem; recebemos a sua reclamação; recebemos a tua mensagem; recebemos o seu contacto;
recebemos o seu email; recebemos o seu pedido; recebemos o seu ticket; recebemos o teu contacto; recebemos o teu email;
recebemos seu email; recebemos sua mensagem; resposta automática; ticket criado

automatyczna odpowiedź; dziękujemy za aplikację; dziękujemy za email; dziękujemy za kontakt; dziękujemy za przesłanie;
dziękujemy za przesłanie zgłoszenia; dziękujemy za pytanie; dziękujemy za wiadomość; dziękujemy za zgłoszenie; odpowiedź automatyczna;
otrzymaliśmy pana; otrzymaliśmy pani; otrzymaliśmy państwa; otrzymaliśmy państwa wiadomość; otrzymaliśmy państwa zgłoszenie;
otrzymaliśmy twoje pytanie; otrzymaliśmy twoje zapytanie; otrzymaliśmy twoje zgłoszenie; otrzymaliśmy twoją aplikację;
otrzymaliśmy twoją prośbę; otrzymaliśmy twoją wiadomość; otrzymaliśmy twój email; pana wiadomość; pani wiadomość; państwa wiadomość;
państwa zgłoszenie; potwierdzamy otrzymanie; potwierdzamy przyjęcie; potwierdzenie otrzymania; potwierdzenie przyjęcia zgłoszenia;
twoja wiadomość dotarła; twoje zgłoszenie otrzymało; twoje zgłoszenie zostało; utworzono zgłoszenie; wiadomość została przyjęta;
zgłoszenie otrzymało numer; zgłoszenie utworzone; zgłoszenie zostało przyjęte; zgłoszenie zostało zarejestrowane
`},
		{"support_words", `
answer within; as soon as possible; as soon as we can; case number; faq; frequently asked; get back to you as soon as;
get back to you shortly; get back to you within; help center; help centre; in the meantime; office hours; reference number;
reply to everyone; reply within; respond within; ticket id; ticket number; within # business days; within # hours; within # working days

baldmöglichst; bearbeitungsnummer; bearbeitungszeit; binnen # werktagen; hilfebereich; häufig gestellte; häufige fragen;
in der zwischenzeit; innerhalb von # tagen; innerhalb von # werktagen; melden uns; schnellstmöglich; so schnell wie möglich;
ticketnummer; unter der nummer; vorgangsnummer; wir werden uns

bien été enregistré; bien été enregistrée; dans les meilleurs délais; dans les plus brefs délais; dans un délai de; dès que possible;
en attendant; foire aux questions; numéro de dossier; numéro de ticket; prise en compte; questions fréquentes; reviendrons vers vous;
service compétent; sous # heures; sous # jours; vous répondra; vous répondrons

a la mayor brevedad; en breve; en un plazo; le contestaremos; le responderemos; lo antes posible; mientras tanto;
nos pondremos en contacto; número de caso; número de incidencia; número de registro; número de ticket; plazo de # días;
plazo de # horas; preguntas frecuentes; te contestaremos; te responderemos

binnen # dagen; binnen # uur; binnen # werkdagen; in de tussentijd; kenmerk; meldingsnummer; reageren wij; ticketnummer;
veelgestelde vragen; we nemen contact; wij nemen contact; zaaknummer; zo snel mogelijk; zo spoedig mogelijk

al più presto; domande frequenti; entro # giorni; entro # ore; il prima possibile; la ricontatteremo; le risponderemo; nel frattempo;
numero di pratica; numero di protocollo; numero di ticket; numero ticket; quanto prima; riceverai una risposta; riceverà una risposta;
ti ricontatteremo; ti risponderemo

assim que possível; com a maior brevidade; entraremos em contacto; entraremos em contato; entretanto; logo que possível; no prazo de;
número de processo; número do pedido de; número do ticket; o mais breve possível; o mais rapidamente possível; perguntas frequentes;
prazo de # dias; prazo de # horas; responderemos

częste pytania; jak najszybciej; jak najszybciej to możliwe; najczęstszych pytań; najczęściej zadawane; najszybciej jak; numer sprawy;
numer zgłoszenia; odpowiadamy; odpowiemy; skontaktujemy się; tak szybko jak to możliwe; w ciągu # dni; w ciągu # godzin; w międzyczasie
`},
		{"undelivered_words", `
cannot be delivered; could not be delivered; couldn t be delivered; delivery attempts; delivery failed; delivery has failed;
delivery to the following; mail delivery software; mail delivery system; mailbox full; mailbox unavailable; message delayed;
message undeliverable; no such user; not yet been delivered; over quota; permanent error; permanent fatal errors; remote host said;
returned to sender; returning message to sender; unable to deliver; undelivered; unknown user; user unknown; was not delivered;
wasn t able to deliver; wasn t delivered

empfänger unbekannt; konnte nicht zugestellt; mail system erzeugt; nicht zugestellt; nicht zustellbar; noch nicht zugestellt;
postfach voll; unbekannter empfänger; unzustellbar*; zustellfehler; zustellung fehlgeschlagen; zustellung ist fehlgeschlagen;
zustellung verzögert

a échoué; boîte aux lettres pleine; destinataire inconnu; la remise a échoué; n a pas pu être envoyé; n a pas pu être remis;
n a pu être remis; non distribué*; non remis; nous abandonnons; pas pu être distribué*; remise différée; échec de la distribution;
échec de la remise; échec de livraison; échec de remise

buzón lleno; destinatario desconocido; dirección no encontrada; entrega fallida; entrega retrasada; error de entrega;
mensaje no entregado; no ha podido entregarse; no pudo ser entregado; no se ha encontrado la dirección; no se ha entregado;
no se ha podido entregar; no se pudo entregar; usuario desconocido

aflevering mislukt; aflevering vertraagd; bezorging mislukt; bezorging vertraagd; kan niet worden bezorgd; kon niet worden bezorgd;
mailbox vol; niet afgeleverd; niet bezorgd; niet worden afgeleverd; niet worden bezorgd; onbekende gebruiker; onbekende ontvanger;
onbestelbaar

casella piena; consegna non riuscita; consegna ritardata; destinatario sconosciuto; mancata consegna; mancato recapito;
messaggio non recapitato; non può essere recapitato; non recapitabile; non è stato possibile consegnare;
non è stato possibile recapitare; non è stato recapitato; recapito non riuscito; utente sconosciuto

caixa cheia; destinatário desconhecido; entrega atrasada; erro de entrega; falha de entrega; falha na entrega; mensagem não entregue;
não foi entregue; não foi possível entregar; não pôde ser entregue; utilizador desconhecido

błąd dostarczenia; nie mogła zostać dostarczona; nie można dostarczyć; nie udało się dostarczyć; nie została dostarczona; niedoręczon*;
niedostarczon*; nieznany odbiorca; nieznany użytkownik; opóźnienie w dostarczeniu; skrzynka pełna; zwrot do nadawcy
`},
		{"report_words", `
aggregate report; backup complete; backup completed; backup failed; backup finished; backup job; backup of; backup report;
backup status; backup successful; bytes transferred; cleanup completed; command not found; completed successfully;
completed with errors; completed with warnings; cron daemon; cron job; daily report; database dump; dmarc; elapsed time; end of report;
exit code; exit status; export finished; files transferred; finished successfully; import finished; job completed; job failed;
job finished; job status; last run; log rotation; log summary; logwatch; messages processed; monthly report for; next run;
no such file or directory; packages can be upgraded; permission denied; processed records; quarantine report; quarantine summary;
rejected messages; replication; report domain; report id; return code; run finished; scan completed; scheduled job; scheduled task;
script finished; security updates; server report; snapshot; spam summary; statistics for; sync completed; sync failed; task completed;
task finished; this report was generated; traceback; unattended upgrade*; weekly report for

abgleich abgeschlossen; aufgabe abgeschlossen; auftrag abgeschlossen; backup abgeschlossen; backup bericht; backup erfolgreich;
backup fehlgeschlagen; datei oder verzeichnis nicht gefunden; datensicherung; datensätze; erfolgreich abgeschlossen;
ergebnis erfolgreich; export abgeschlossen; geplante aufgabe; import abgeschlossen; job abgeschlossen; job fehlgeschlagen;
keine berechtigung; lauf abgeschlossen; letzter lauf; mit fehlern abgeschlossen; monatsbericht für; nächster lauf; protokoll vom;
prüfung abgeschlossen; quarantänebericht; rückgabewert; sicherung abgeschlossen; sicherung erfolgreich; sicherung fehlgeschlagen;
sicherung von; sicherungsaufgabe; sicherungsbericht; statistik für; synchronisierung abgeschlossen; systembericht; tagesabschluss;
tagesbericht; verarbeitete datensätze; wochenbericht für

aucun fichier ou dossier; code de retour; commande introuvable; dernière exécution; export terminé; fichiers traités;
fichiers transférés; import terminé; lignes importées; lignes traitées; permission non accordée; prochaine exécution;
rapport de sauvegarde; rapport du serveur; rapport hebdomadaire; rapport journalier; rapport mensuel; rapport quotidien;
résumé de quarantaine; sauvegarde complète; sauvegarde de; sauvegarde du; sauvegarde effectuée; sauvegarde réussie; sauvegarde terminée;
sauvegarde échouée; statistiques du; synchronisation terminée; terminé avec des erreurs; terminé avec succès; terminée avec succès;
traitement effectué; traitement terminé; tâche effectuée; tâche planifiée; tâche terminée; tâche échouée

archivos copiados; archivos transferidos; completada con errores; completada correctamente; completado correctamente; copia completada;
copia correcta; copia de seguridad; copia de seguridad de; copia fallida; copia finalizada; copia realizada; código de salida;
estadísticas de; exportación finalizada; filas importadas; finalizada correctamente; finalizado correctamente; importación finalizada;
informe del servidor; informe diario; informe mensual; informe semanal; no existe el archivo; orden no encontrada; permiso denegado;
proceso completado; proceso finalizado; próxima ejecución; registros importados; registros procesados; resultado correcto;
resumen de cuarentena; sincronización completada; sincronización finalizada; tarea completada; tarea finalizada; tarea programada;
última ejecución

afsluitcode; back up geslaagd; back up mislukt; back up van; back up voltooid; backup geslaagd; backup mislukt; backup rapport;
backup van; backup voltooid; bestand of map bestaat niet; bestanden overgezet; dagelijks rapport; dagrapport; de backup;
export voltooid; geplande taak; import voltooid; laatste run; maandrapport; opdracht niet gevonden; quarantaineoverzicht;
records verwerkt; regels geïmporteerd; regels verwerkt; reservekopie; serverrapport; statistieken van; succesvol afgerond;
succesvol voltooid; synchronisatie voltooid; taak afgerond; taak mislukt; taak uitgevoerd; taak voltooid; toegang geweigerd;
verwerking voltooid; volgende run; volgende uitvoering; voltooid met fouten; weekrapport

attività completata; backup completato; backup del; backup di; backup eseguito; backup fallito; backup riuscito; backup terminato;
codice di uscita; comando non trovato; completata con successo; completato con errori; completato con successo;
completato correttamente; copia di sicurezza; elaborazione completata; esito ok; esito positivo; esportazione completata; file copiati;
file o directory; file trasferiti; importazione completata; operazione pianificata; permesso negato; processo completato;
prossima esecuzione; rapporto di backup; rapporto giornaliero; rapporto settimanale; record elaborati; report giornaliero;
report mensile; report settimanale; riepilogo quarantena; righe importate; sincronizzazione completata; statistiche del;
terminato con errori; ultima esecuzione

backup concluído; backup de; backup efetuado; backup falhou; backup realizado; comando não encontrado; concluída com sucesso;
concluído com erros; concluído com sucesso; código de saída; cópia concluída; cópia de segurança; cópia de segurança de;
estatísticas de; exportação concluída; ficheiro ou diretoria; ficheiros copiados; ficheiros transferidos; importação concluída;
linhas importadas; permissão negada; processo concluído; próxima execução; registos importados; registos processados; relatório diário;
relatório do servidor; relatório mensal; relatório semanal; resultado sucesso; resumo de quarentena; sincronização concluída;
tarefa agendada; tarefa concluída; última execução

backup nieudany; backup ukończony; backup zakończony; brak dostępu; eksport zakończony; import zakończony; kod wyjścia; kod zakończenia;
kolejne uruchomienie; kopia bezpieczeństwa; kopia zapasowa; kopia zapasowa zakończona; kopii zapasowej; następne uruchomienie;
nie ma takiego pliku; nie znaleziono polecenia; odmowa dostępu; ostatnie uruchomienie; podsumowanie kwarantanny; proces zakończony;
przetworzono rekordów; raport dobowy; raport dzienny; raport miesięczny; raport tygodniowy; skopiowano #; statystyki za;
synchronizacja zakończona; utworzono kopię; wykonano kopię; wynik sukces; zadanie wykonane; zadanie zakończone; zaimportowano;
zakończone pomyślnie; zakończone sukcesem; zakończone z błędami; zakończono pomyślnie; zaplanowane zadanie
`},
		{"greeting_words", `
dear client; dear customer; dear guest; dear user; dear valued; dear valued customer; valued customer

liebe kundin; lieber gast; lieber kunde; lieber nutzer; sehr geehrte kundin; sehr geehrter gast; sehr geehrter kunde

cher abonné; cher client; cher utilisateur; chère cliente

apreciado cliente; estimada clienta; estimado cliente; estimado usuario

beste gast; beste gebruiker; beste klant; beste relatie; geachte klant; geachte relatie

cara cliente; caro cliente; gentile cliente; gentile utente

cara cliente; caro cliente; caro utilizador; estimada cliente; estimado cliente; prezado cliente

droga klientko; drogi kliencie; szanowna klientko; szanowny kliencie; szanowny użytkowniku
`},
		{"automatic_words", `
automatically generated; cannot receive replies; created automatically; do not reply to this; do not respond to this;
generated automatically; ignore this email; no action is required; please disregard; please do not reply; please ignore this;
replies to this; sent automatically; this is a system generated; this is an automated; this is an automatic; you can ignore this email;
you can safely ignore

automatisch erstellt; automatisch erzeugt; automatisch generiert; automatisch versandt; automatisch verschickt; automatisch versendet;
automatische email; automatische nachricht; betrachten sie diese; bitte antworten sie nicht; bitte nicht antworten;
brauchen sie nichts zu tun; ignoriere diese; ignorieren sie diese; nicht auf diese

courriel automatique; de ne pas répondre; email automatique; envoyé automatiquement; envoyée automatiquement; généré automatiquement;
générée automatiquement; ignorer ce message; ignorer cet; ignorez ce message; ignorez cet; message automatique; ne pas répondre;
ne tenez pas compte; notification automatique; pas y répondre

correo automático; enviado automáticamente; generada automáticamente; generado automáticamente; haga caso omiso; ignora este;
ignorar este; ignore este; mensaje automático; no responda a este; no respondas a este; no responder a este; por favor no responda;
por favor no respondas

als niet verzonden beschouwen; automatisch aangemaakt; automatisch bericht; automatisch gegenereerd; automatisch verstuurd;
automatisch verzonden; automatische email; negeer deze; negeer dit; niet beantwoorden; niet op deze; niet op dit bericht;
niet te antwoorden; niet te beantwoorden

di non rispondere; email automatica; generata automaticamente; generato automaticamente; ignora questa; ignora questo; ignorare questo;
ignori questa; inviata automaticamente; inviato automaticamente; messaggio automatico; non rispondere; si prega di non

desconsidere; email automático; enviada automaticamente; enviado automaticamente; gerada automaticamente; gerado automaticamente;
ignorar esta; ignore esta; ignore este; mensagem automática; não responda; não responder; por favor não responda

automatyczna wiadomość; nie odpowiadaj; prosimy nie odpowiadać; prosimy zignorować; proszę nie odpowiadać; proszę zignorować;
wiadomość automatyczna; wygenerowana automatycznie; wygenerowane automatycznie; wysłana automatycznie; wysłano automatycznie; zignoruj;
zignoruj tę
`},
	}
}

// person lists how people speak of themselves and to each other; firms and machines
// say "we".
func person() []topic {
	return []topic{
		{"personal_words", `
and i; asap; but i; call me; can i; can we; can you; could i; could we; could you; gave me; give me; i already; i also; i am; i asked;
i believe; i can; i cannot; i could; i d; i did; i didn t; i do; i don t; i found; i got; i guess; i had; i have; i hope; i just;
i know; i like; i live; i ll; i love; i m; i mean; i must; i need; i never; i ordered; i paid; i saw; i see; i sent; i should;
i suppose; i think; i thought; i told; i tried; i ve; i want; i wanted; i was; i went; i will; i wonder; i work; i would; if i; let me;
let me know; let s; may i; ring me; send me; shall we; should i; so i; sorry for; tell me; thanks in advance; thx; what i; when i;
which i; would you mind; xx

bescheid; bin; bis dann; bis morgen; bis später; dank dir; danke dir; danke euch; hab; habe; hast du zeit; hätte; ich; im voraus;
kannst du; können sie mir; können sie uns; könnt ihr; könnten sie mir; könnten sie uns; könntest du; lass uns; lg; liebe grüße;
magst du; melde dich; mfg; mich; mir; ruf mich; schick mir; sollen wir; vg; weiß nicht; würde gern; würde gerne

appelle moi; bises; bisous; coucou; d avance merci; dis moi; dites moi; j ai; j aimerais; j attends; j aurais; j avais; je cherche;
je crois; je me; je n; je n ai; je ne; je pense; je peux; je pourrais; je reviens; je sais; je serai; je souhaite; je souhaiterais;
je suis; je te; je vais; je viens; je voudrais; je vous; merci d avance; on se voit; peut on; peux tu; pourrais tu; pourriez vous me;
pouvez vous me; pouvez vous nous; salut; tiens moi; à demain; à plus

avísame; besos; creo; de antemano; dime; espero; estoy con; estoy de; estoy en; hago; hasta mañana; he comprado; he hecho; he intentado;
he pagado; he pedido; he recibido; he reservado; he visto; hice; la puedes; llevo; llámame; lo puedes; me dicen; me dices; me gustaría;
me podríais; me podéis; me puede; me pueden; me puedes; mándame; necesito; no puedo; nos vemos; podría; podrías decirme;
podrías mandarme; puedes decirme; puedes enviarme; puedes mandarme; puedes mirar; puedes revisar; puedo; quedamos; quería; quiero;
te llamo; tengo; un abrazo; voy

alvast bedankt; bel je; bel me; bij voorbaat; doei; groetjes; heb ik; hoi; hoor het graag; ik; ik heb; kan jij; kun je me; kun jij;
kunt u het; kunt u me; kunt u mij; laat even; liefs; mij; stuur mij; tot morgen; tot straks; zou je; zullen we

a domani; avrei; baci; cerco; chiamami; ci sentiamo; ci vediamo; credo; devo dire; fammi; grazie mille; ho; ho fatto; ho pagato;
ho ricevuto; ho visto; in anticipo; mandami; mi dici; mi fai; mi mandi; non ho; non riesco; penso; posso chiederle; posso chiederti;
posso passare; posso venire; potete controllare; potete dirmi; potrei; potreste; puoi controllare; puoi dirmi; puoi mandarmi; può dirmi;
può mandarmi; un abbraccio; volevo; vorrei

abraço; ainda não recebi; até amanhã; até logo; beijinhos; beijos; comprei; desde já obrigad*; diga me; diz me; encomendei; estou;
falamos; faço; fiz; gostaria; gostava; liga me; manda me; não consigo; não posso; não recebi; paguei; pode me; podem dizer;
podem verificar; podes dizer; podes mandar; posso ir; posso passar; posso pedir; preciso de; queria; tenho; tratamos; um abraço;
vemo nos; vou

buziaki; byłam; byłem; chciałabym; chciałbym; chcę; czekam; cześć; daj znać; do jutra; dostałam; dostałem; hej; jestem; kupiłam;
kupiłem; mam; mnie; mogą państwo; mogę; mogłabyś; możecie mi; możecie to; możesz mi; możesz to; mógłbyś; nie dostał*; nie mam; nie mogę;
pozdrawiam; proszę o odpowiedź; sobie; spotkajmy; szukam; wyślij mi; z góry dziękuję; zadzwoń; zamówiłam; zamówiłem; zapłaciłam;
zapłaciłem; zrobię; zrobiłam; zrobiłem
`},
	}
}
