package main

// rule is what a signal says for and against the types.
type rule struct {
	signal string
	score
}

// rules is the one table of the weights; the README repeats it, which a test
// holds. The columns: normal, transactional, marketing, notification, automated.
func rules() []rule {
	return []rule{
		// With what it was sent.
		{"personal_mailer", score{1, 0, 0, 0, 0}},
		{"program_mailer", score{-2, 0, 0, 0, 0}},
		{"help_desk", score{-1, 0, 0, 0, 0}},
		{"mail_service", score{-2, 1, 0, 1, 0}},
		{"mailing_service", score{-2, 0, 1, 0, 0}},
		{"bulk_mailer", score{-2, 0, 2, 0, 0}},
		{"has_campaign_header", score{-2, 0, 1, 0, 0}},
		{"service_notification", score{-6, 0, -2, 6, 0}},
		{"has_feedback_id", score{-1, 0, 0, 0, 0}},
		{"bounce_return_path", score{-2, 0, 0, 0, 0}},
		{"null_return_path", score{-2, 0, 0, 0, 4}},
		// Who sent it.
		{"no_reply_sender", score{-3, 2, 0, 2, 1}},
		{"role_sender", score{-1, 0, 0, 0, 0}},
		{"business_sender", score{-1, 2, 0, 0, 0}},
		{"newsletter_sender", score{-1, 0, 2, 0, 0}},
		{"alert_sender", score{-2, 0, 0, 3, 0}},
		{"system_sender", score{-3, 0, 0, 0, 4}},
		{"via_sender", score{-2, 0, 0, 2, 0}},
		// What the headers say outright.
		{"auto_replied", score{-4, 0, 0, 0, 8}},
		{"auto_generated", score{-4, 1, 0, 3, 2}},
		{"suppresses_auto_response", score{-1, 0, 0, 1, 1}},
		{"delivery_report", score{-4, 0, 0, 0, 8}},
		{"list_administrivia", score{-4, 0, 0, 0, 6}},
		{"has_list_unsubscribe", score{-1, 0, 2, 1, 0}},
		{"has_one_click_unsubscribe", score{-1, 0, 0, 0, 0}},
		{"has_list_id", score{-1, 0, 1, 1, 0}},
		{"bulk_precedence", score{-1, 0, 1, 1, 0}},
		{"is_discussion_list", score{6, 0, -2, 0, 0}},
		// Who got it.
		{"single_recipient", score{}},
		{"many_recipients", score{0, 0, 1, 0, 0}},
		{"hidden_recipients", score{0, 0, 1, 0, 0}},
		// What it answers.
		{"is_reply", score{2, 0, 0, 0, 0}},
		{"follows_own_mail", score{0, 0, 1, 0, 0}},
		{"reply_subject", score{1, 0, 0, 0, 0}},
		{"forward_subject", score{3, 0, 0, 0, 0}},
		{"quotes_mail", score{1, 0, 0, 0, 0}},
		// What its subject is.
		{"tagged_subject", score{-1, 0, 0, 1, 1}},
		{"emoji_subject", score{0, 0, 1, 0, 0}},
		{"out_of_office_subject", score{-2, 0, 0, 0, 6}},
		{"undelivered_subject", score{-2, 0, 0, 0, 5}},
		{"read_receipt_subject", score{-2, 0, 0, 0, 4}},
		{"calendar_subject", score{-2, 0, 0, 4, 0}},
		// What it holds.
		{"has_attachment", score{}},
		{"calendar_alone", score{-2, 0, 0, 4, 0}},
		{"has_unsubscribe_link", score{-1, 0, 1, 0, 0}},
		{"many_links", score{-1, 0, 1, 0, 0}},
		{"many_images", score{-1, 0, 1, 0, 0}},
		{"preheader", score{-2, 0, 1, 0, 0}},
		{"layout_tables", score{-1, 0, 0, 0, 0}},
		// What it says.
		{"personal_words", score{1, -1, 0, 0, 0}},
		{"billing_words", score{0, 3, -1, 0, 0}},
		{"order_words", score{0, 3, -1, 0, 0}},
		{"shipping_words", score{0, 3, -1, 0, 0}},
		{"booking_words", score{0, 3, -1, 0, 0}},
		{"account_words", score{0, 3, -1, 0, 0}},
		{"password_reset_words", score{0, 3, -1, 0, 0}},
		{"verification_words", score{0, 3, -1, 0, 0}},
		{"promotion_words", score{0, 0, 2, 0, 0}},
		{"newsletter_words", score{-1, 0, 2, 0, 0}},
		{"optout_words", score{-1, 0, 2, 0, 0}},
		{"retention_words", score{0, -1, 3, 0, 0}},
		{"invitation_words", score{0, 0, 2, 0, 0}},
		{"press_words", score{-1, 0, 3, 0, 0}},
		{"appeal_words", score{0, 0, 2, 0, 0}},
		{"cold_sales_words", score{-1, 0, 3, 0, 0}},
		{"activity_words", score{0, 0, 0, 3, 0}},
		{"alert_words", score{0, 0, 0, 3, 0}},
		{"calendar_words", score{-1, 0, 0, 3, 0}},
		{"security_words", score{-1, 0, 0, 4, 0}},
		{"preference_words", score{-1, 0, 0, 2, 0}},
		{"absence_words", score{0, 0, 0, 0, 3}},
		{"unattended_words", score{-1, 0, 0, 0, 4}},
		{"acknowledgement_words", score{-1, 0, 0, 0, 3}},
		{"support_words", score{0, 0, 0, 0, 1}},
		{"undelivered_words", score{-1, 0, 0, 0, 3}},
		{"report_words", score{-1, 0, 0, 0, 3}},
		{"greeting_words", score{-1, 0, 0, 0, 0}},
		{"automatic_words", score{-2, 2, 0, 1, 1}},
	}
}
