/* The other half. */
#pragma once

int answer(void);
