select id, email, first_name, last_name, plan
from marts.contacts
where consent and plan <> :free
