CREATE TABLE `select` (`from` INT PRIMARY KEY, `where` VARCHAR(20), `or``der` INT, `100%s %(x)s` INT, `a.b c` INT, `"quoted'` INT, `Ünï` INT);
CREATE TABLE `a.b ``c`` % 'd' "e"` (`id` INT PRIMARY KEY, `{}` INT);
CREATE TABLE `a_name_that_has_sixty_four_letters_and_that_nobody_should_give_x` (`a_column_that_has_sixty_four_letters_and_that_nobody_should_give` INT PRIMARY KEY, `B` INT);
INSERT INTO `select` VALUES (1, 'a', 1, 2, 3, 4, 5), (2, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO `a.b ``c`` % 'd' "e"` VALUES (1, 1);
INSERT INTO `a_name_that_has_sixty_four_letters_and_that_nobody_should_give_x` VALUES (1, 1);
