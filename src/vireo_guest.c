/* vireo-guest: the static program inside every pVM. Its host starts it and speaks to descriptor 3.
 */
#include "guest/template_main.h"

int main(void)
{
    return template_main();
}
